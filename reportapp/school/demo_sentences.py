"""Sentences for the demo school's written reports, put together from how a student does."""

from random import Random

_BEHAVIOUR = (
    "{name} takes an active part in {subject} and listens to others.",
    "{name} works quietly and reliably.",
    "{name} is friendly and helps classmates who are stuck.",
    "{name} asks good questions, above all in the first half of the lesson.",
    "{name} works well in pairs and should now take the lead more often.",
    "{name} is lively, and easily brought back to the task.",
    "{name} is attentive, although rather reserved in discussions.",
    "{name} has settled in well after the change of seats.",
)
_CONCERNS_GOOD = (
    "",
    "",
    "None at present.",
    "Only the handwriting makes some answers hard to follow.",
    "{name} could aim higher in {subject}.",
)
_CONCERNS_WEAK = (
    "Homework in {subject} was missing several times.",
    "{name} still finds it hard to begin a task without help.",
    "There are gaps from last term that make new topics difficult.",
    "{name} loses points by rushing; the understanding is often there.",
    "Concentration drops in the afternoon lessons.",
)
_ADVICE_GOOD = (
    "Go on like this, and try the extra tasks.",
    "Perhaps {name} would like to join the {subject} club on Thursdays.",
    "Explaining topics to others would deepen what is already there.",
    "Read beyond the textbook; the library has a good shelf on this.",
)
_ADVICE_WEAK = (
    "Fifteen minutes of {subject} a day would help more than one long evening.",
    "Please come to the open lesson on Wednesdays.",
    "Check the homework diary together at the weekend.",
    "Repeat the basics with the online exercises before the next quiz.",
)
_WEEK_GOOD = (
    "A good week: {name} finished all tasks and had time for more.",
    "{name} came well prepared and worked with concentration.",
    "We went through the last quiz; {name} found the mistakes alone.",
    "{name} planned the whole week ahead and kept to the plan.",
)
_WEEK_WEAK = (
    "We caught up on what had been left from the week before.",
    "A difficult week, but {name} did not give up.",
    "{name} was tired; we kept to the most important tasks.",
    "Vocabulary and basics took most of our time.",
)
_TUTOR_NOTES = (
    "Next week we prepare for the quiz.",
    "More practice with word problems is planned.",
    "Please make sure that the folder comes along.",
    "We agreed on two short goals until Friday.",
    "Learning with cards works well; we go on with it.",
    "",
)
_TEACHER_NOTES = (
    "Took part well; see the quiz for details.",
    "Homework was complete and on time.",
    "Homework came late, please ask for the reason.",
    "Needs a reminder to bring the {subject} book.",
    "Gave a short talk, clearly structured.",
    "Was distracted this week; changing seats helped.",
    "Understood the new topic quickly and helped {name}'s neighbours.",
    "Missed a lesson and has copied the notes since.",
    "Worked carefully in the group task.",
)


class Sentences:
    """Draws sentences about one student after another."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice

    def _draw(self, sentences: tuple[str, ...], name: str, subject: str = "") -> str:
        return self._dice.choice(sentences).format(name=name, subject=subject)

    def behaviour(self, name: str, subject: str) -> str:
        return self._draw(_BEHAVIOUR, name, subject)

    def concerns(self, name: str, subject: str, progress: int) -> str:
        return self._draw(_CONCERNS_GOOD if progress >= 70 else _CONCERNS_WEAK, name, subject)

    def recommendations(self, name: str, subject: str, progress: int) -> str:
        return self._draw(_ADVICE_GOOD if progress >= 70 else _ADVICE_WEAK, name, subject)

    def week(self, name: str, progress: int) -> str:
        return self._draw(_WEEK_GOOD if progress >= 68 else _WEEK_WEAK, name)

    def tutor_notes(self, name: str) -> str:
        return self._draw(_TUTOR_NOTES, name)

    def teacher_notes(self, name: str, subject: str) -> str:
        return self._draw(_TEACHER_NOTES, name, subject)
