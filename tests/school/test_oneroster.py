"""OneRoster: what a bundle makes of a school, twice and as a delta, and what it never does."""

from datetime import date
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from reportapp import clock
from reportapp.constants import EnrollmentRole, ImportKind, Role, ScoreStatus
from reportapp.errors import Conflict, Forbidden, InvalidInput
from reportapp.extensions import db, transaction
from reportapp.models import (
    AcademicSession,
    ClassGroup,
    Course,
    Enrollment,
    GuardianLink,
    ImportRun,
    LineItem,
    ReportDelivery,
    Result,
    User,
)
from reportapp.school import oneroster
from reportapp.school.import_files import Progress
from reportapp.school.import_work import run_now
from reportapp.school.oneroster import check_oneroster, save_oneroster
from reportapp.school.oneroster_plan import make_plan
from tests.cast import NOW, create_person
from tests.school.bundles import manifest, small, table, write, write_large

SDS = Path(__file__).parents[3] / "shared" / "samples" / "sds-v2.1"


@pytest.fixture
def bring(cast, tmp_path):
    """Imports files (by name) as Ada; counts by kind, with `rejected` and `left_out`."""
    numbers = iter(range(1000))

    def run(files, *, dry=False, deactivate=False, rejected=False, actor=None):
        path = files if isinstance(files, Path) else write(tmp_path / f"b{next(numbers)}", files)
        work = partial(save_oneroster, allow_deactivation=deactivate, allow_rejected=rejected)
        outcome, count, problems = run_now(
            actor or cast.ada,
            ImportKind.ONEROSTER,
            path,
            check_oneroster if dry else work,
            clock.fixed(NOW),
            Progress(),
        )
        counts = {
            kind["name"]: (kind["added"], kind["changed"], kind["gone"])
            for kind in outcome.summary["kinds"]
            if kind["added"] or kind["changed"] or kind["gone"]
        }
        db.session.rollback()
        run.problems, run.summary, run.rejected = problems, outcome.summary, count
        return counts

    return run


def person(sid):
    return db.session.scalars(select(User).where(User.sourced_id == sid)).one()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


class TestOneBundle:
    def test_every_row_arrives_and_again_changes_nothing(self, bring):
        assert bring(small()) == {
            "session": (2, 0, 0), "course": (1, 0, 0), "user": (4, 0, 0), "link": (2, 0, 0),
            "class": (1, 0, 0), "enrollment": (3, 0, 0), "item": (1, 0, 0), "result": (2, 0, 0),
        }  # fmt: skip
        assert bring.problems == []
        group = db.session.scalars(select(ClassGroup).where(ClassGroup.sourced_id == "c1")).one()
        assert (group.title, group.course.subject) == ("7x Maths", "Mathematics")
        # Of its sessions the one that ends last.
        session = db.session.get(AcademicSession, group.academic_session_id)
        assert (session.sourced_id, session.end_date) == ("y1", date(2027, 7, 31))
        gus, sam = person("u4"), person("u2")
        assert (gus.role, gus.email, gus.is_active) == (Role.PARENT, "gus@new.example", True)
        assert (sam.role, sam.password_hash) == (Role.STUDENT, None)
        item = db.session.scalars(select(LineItem).where(LineItem.sourced_id == "i1")).one()
        assert (item.category, item.due_date) == ("Test", date(2026, 11, 10))
        assert item.result_value_max == 20
        score = db.session.scalars(select(Result).where(Result.sourced_id == "r1")).one()
        assert (score.student_id, score.score, score.comment) == (sam.id, 15.5, "Good")
        exempt = db.session.scalars(select(Result).where(Result.sourced_id == "r2")).one()
        assert exempt.score_status is ScoreStatus.EXEMPT
        assert bring(small()) == {}
        assert bring.summary["is_empty"]

    def test_a_dry_run_writes_nothing(self, bring):
        before = [count(model) for model in (User, Result, ImportRun)]
        assert bring(small(), dry=True)["user"] == (4, 0, 0)
        assert [count(model) for model in (User, Result, ImportRun)] == before

    def test_what_was_there_by_hand_is_left_alone(self, bring, cast):
        bring(small())
        everybody = [cast.people[name] for name in ("ana", "tom", "pia", "olga", "oskar")]
        assert all(one.is_active and one.sourced_id is None for one in everybody)

    def test_1_2_reads_roles_and_profiles(self, bring):
        files = small()
        files["users"] = table(
            "sourcedId,enabledUser,givenName,familyName,email,agentSourcedIds",
            "u1,true,Theo,Teach,,",
            "u2,true,Sam,Small,sam@new.example,u4",
            "u3,true,Joy,Small,,",
            "u4,true,Gus,Small,gus@new.example,",
        )
        files["roles"] = table(
            "sourcedId,userSourcedId,roleType,role,orgSourcedId",
            "x0,u1,secondary,parent,o1",
            "x1,u1,primary,teacher,o1",
            "x2,u2,primary,student,o1",
            "x3,u3,primary,student,o1",
            "x4,u4,primary,parent,o1",
        )
        files["userProfiles"] = table(
            "sourcedId,userSourcedId,profileType,username,password",
            "f1,u1,mail,theo@new.example,secret",
        )
        assert bring(files)["user"] == (4, 0, 0)
        assert (person("u1").role, person("u1").email) == (Role.TEACHER, "theo@new.example")
        assert bring(files) == {}

    def test_the_sample_of_microsoft_sds_arrives_with_every_other_row_explained(self, bring):
        if not SDS.exists():
            pytest.skip(f"THE SAMPLE IS MISSING: {SDS}")
        counts = bring(SDS)
        assert counts == {
            "session": (2, 0, 0), "course": (3, 0, 0), "user": (8, 0, 0), "link": (2, 0, 0),
            "class": (2, 0, 0), "enrollment": (6, 0, 0),
        }  # fmt: skip
        (problem,) = bring.problems
        assert (problem.file, problem.line, problem.value) == ("relationships.csv", 3, "relative")
        assert person("114006").role is Role.TEACHER  # a professor
        assert person("114002").role is Role.PARENT  # has no role but that of a guardian
        assert bring(SDS) == {}

    @pytest.mark.parametrize("version", ["1.1", "1.2"])
    def test_a_whole_school_arrives_twice_and_then_a_delta(self, bring, tmp_path, version):
        folder = write_large(tmp_path / "large", 5_000, 20_000, version)
        counts = bring(folder)
        assert counts["user"] == (5_000 * 2 + 200, 0, 0)
        assert counts["result"] == (20_000, 0, 0)
        assert counts["link"] == (5_000, 0, 0)
        assert bring(folder) == {}
        delta = {
            "manifest": manifest("delta", "results", "users", "enrollments"),
            "users": table(
                "sourcedId,status,givenName,familyName,email,agentSourcedIds",
                "s1,tobedeleted,,,,",
                "s2,active,New,Name,s2@large.example,g2",
            ),
            "enrollments": table(
                "sourcedId,status,classSourcedId,userSourcedId,role", "es1,tobedeleted,,,"
            ),
            "results": table(
                "sourcedId,status,lineItemSourcedId,studentSourcedId,score",
                "r0,active,i0,s0,99.5",
                "r2,tobedeleted,,,",
                "new1,active,i0,s30,12",
            ),
        }
        expected = {"user": (0, 1, 1), "enrollment": (0, 0, 1), "result": (1, 1, 1)}
        assert bring(delta) == expected
        assert bring.problems == []
        assert bring(delta) == {}


class TestWhatIsGone:
    def test_what_vanishes_from_a_bulk_is_deactivated_and_may_come_back(self, bring):
        bring(small())
        fewer = small()
        fewer["users"] = (
            "\n".join(fewer["users"].splitlines()[:-2]).replace(",u4,P@ss", ",,") + "\n"
        )
        fewer["enrollments"] = "\n".join(fewer["enrollments"].splitlines()[:-1]) + "\n"
        fewer["results"] = "\n".join(fewer["results"].splitlines()[:-1]) + "\n"
        version = person("u4").session_version
        with pytest.raises(Conflict, match="2 of 4 people and 2 of 2 guardians"):
            bring(fewer)
        assert bring(fewer, deactivate=True) == {
            "user": (0, 0, 2), "link": (0, 0, 2), "enrollment": (0, 0, 1), "result": (0, 0, 1),
        }  # fmt: skip
        gus = person("u4")
        assert (gus.is_active, gus.session_version) == (False, version + 1)
        assert not db.session.scalars(select(GuardianLink.is_active).where(
            GuardianLink.guardian_id == gus.id)).all()[0]  # fmt: skip
        assert bring(fewer) == {}
        assert bring(small()) == {
            "user": (0, 2, 0), "link": (0, 2, 0), "enrollment": (0, 1, 0), "result": (0, 1, 0),
        }  # fmt: skip
        assert person("u4").is_active

    def test_a_file_that_is_not_there_touches_nothing(self, bring):
        bring(small())
        assert bring({"orgs": small()["orgs"], "courses": small()["courses"]}) == {}

    def test_more_than_a_quarter_asks_first(self, bring, tmp_path):
        folder = write_large(tmp_path / "large", 50, 100)
        bring(folder)
        lines = (folder / "results.csv").read_text().splitlines()
        (folder / "results.csv").write_text("\n".join(lines[:60]) + "\n")
        with pytest.raises(Conflict, match="deactivate 41 of 100 scores"):
            bring(folder)
        assert bring(folder, dry=True) == {"result": (0, 0, 41)}
        assert bring.summary["much"] == ["scores"]
        assert bring(folder, deactivate=True) == {"result": (0, 0, 41)}

    def test_a_row_with_an_error_is_not_taken_for_gone(self, bring):
        bring(small())
        wrong = small()
        wrong["results"] = wrong["results"].replace("15.5", "fifteen")
        wrong["users"] = wrong["users"].replace("Joy", "")
        with pytest.raises(Conflict, match="Rows with errors: 2"):
            bring(wrong)
        assert bring(wrong, rejected=True) == {}
        assert {(one.file, one.column, one.value) for one in bring.problems} == {
            ("users.csv", "givenName", ""),
            ("results.csv", "score", "fifteen"),
        }

    def test_rows_that_cannot_be_told_apart_deactivate_nothing(self, bring):
        bring(small())
        broken = small()
        broken["results"] = broken["results"].replace("r2,i1", ",i1")
        assert bring(broken, rejected=True) == {}

    def test_an_ended_guardian_of_a_child_in_a_delta_loses_the_link(self, bring):
        bring(small())
        head = "sourcedId,status,role,givenName,familyName,email,agentSourcedIds"
        delta = {
            "manifest": manifest("delta", "users"),
            "users": table(head, "u2,active,student,Sam,Small,sam@new.example,"),
        }
        assert bring(delta, deactivate=True) == {"link": (0, 0, 1)}
        delta["users"] = table(head, "u4,active,guardian,Gus,Small,gus2@new.example,")
        assert bring(delta) == {"user": (0, 1, 0)}

    def test_the_acting_admin_is_never_deactivated(self, bring, cast):
        bring(small())
        with transaction():
            cast.ada.sourced_id = "admin"
        bring(small())
        assert cast.ada.is_active


class TestWhatAnImportNeverDoes:
    def test_nobody_becomes_an_admin_and_an_admin_stays_one(self, bring, cast):
        files = small()
        files["users"] += "u8,true,o1,administrator,x,Max,Boss,max@new.example,,\n"
        files["users"] += f"u9,true,o1,teacher,x,Ada,Example,{cast.ada.email},,\n"
        bring(files)
        assert person("u8").role is Role.TEACHER
        assert any("only a person can make" in note for note in bring.summary["notes"])
        assert (person("u9").id, person("u9").role) == (cast.ada.id, Role.ADMIN)
        assert bring(files) == {}

    def test_a_student_cannot_take_over_a_teacher_by_the_address(self, bring, cast):
        files = small()
        files["users"] += f"u9,true,o1,student,x,Eve,Il,{cast.tom.email},,\n"
        bring(files, rejected=True)
        assert bring.problems[0].text.startswith("Another address")
        db.session.refresh(cast.tom)
        assert (cast.tom.role, cast.tom.sourced_id) == (Role.TEACHER, None)

    def test_an_address_of_another_school_is_refused_without_saying_whose(self, bring, cast):
        files = small()
        files["users"] += f"u9,true,o1,teacher,x,Ot,To,{cast.otto.email},,\n"
        bring(files, rejected=True)
        assert bring.problems[0].text == "Another address: this one is in use already."

    def test_one_address_for_two_people_is_an_error_of_both(self, bring):
        files = small()
        files["users"] = files["users"].replace("Gus@New.example", "SAM@new.example")
        bring(files, rejected=True, dry=True)
        found = [one.line for one in bring.problems if one.column == "email"]
        assert found == [3, 5]

    def test_two_people_may_swap_their_addresses(self, bring):
        bring(small())
        files = small()
        files["users"] = (
            files["users"].replace("theo@", "X@").replace("sam@", "theo@").replace("X@", "sam@")
        )
        assert bring(files) == {"user": (0, 2, 0)}
        assert person("u1").email == "sam@new.example"

    def test_two_students_may_swap_their_results(self, bring):
        bring(small())
        files = small()
        files["results"] = (
            files["results"].replace("u2", "X").replace("u3", "u2").replace("X", "u3")
        )
        assert bring(files) == {"result": (0, 2, 0)}
        assert bring(files) == {}

    @pytest.mark.parametrize("mode", ["bulk", "delta"])
    def test_a_place_that_moves_to_another_class_does_not_stay_in_the_old_one(self, bring, mode):
        files = small()
        files["classes"] += "c2,7y Maths,k1,o1,t1\n"
        bring(files)
        moved = files["enrollments"].replace("e2,c1", "e2,c2")
        bundle = {"manifest": manifest(mode, "enrollments"), "enrollments": moved}
        assert bring(bundle, deactivate=True) == {"enrollment": (1, 0, 1)}
        places = select(ClassGroup.sourced_id).join(
            Enrollment, Enrollment.class_group_id == ClassGroup.id
        )
        sam = (Enrollment.user_id == person("u2").id, Enrollment.is_active)
        assert list(db.session.scalars(places.where(*sam))) == ["c2"]
        assert bring(files, deactivate=True) == {"enrollment": (0, 1, 1)}

    @pytest.mark.parametrize("mode", ["bulk", "delta"])
    def test_a_score_that_was_somebody_elses_does_not_stay_theirs(self, bring, mode):
        files = small()
        files["results"] = "\n".join(files["results"].splitlines()[:2]) + "\n"
        bring(files)
        moved = files["results"].replace("u2", "u3")
        bring({"manifest": manifest(mode, "results"), "results": moved}, deactivate=True)
        kept = select(Result.student_id).join(LineItem, LineItem.id == Result.line_item_id)
        theirs = kept.where(LineItem.sourced_id == "i1", Result.is_active)
        assert list(db.session.scalars(theirs)) == [person("u3").id]

    def test_forbidden_contact_stays_forbidden(self, bring):
        bring(small())
        with transaction() as session:
            for link in session.scalars(select(GuardianLink)):
                link.no_contact = True
        bring({name: small()[name] for name in ("users",)})
        links = db.session.scalars(select(GuardianLink.no_contact))
        assert set(links) == {True}

    def test_marks_from_another_import_are_let_be(self, bring):
        bring(small())
        with transaction() as session:
            group = session.scalars(select(ClassGroup).where(ClassGroup.sourced_id == "c1")).one()
            session.add(
                LineItem(
                    class_group_id=group.id, sourced_id="mark:t1", title="Mark", category="Mark",
                    assign_date=NOW.date(), due_date=NOW.date(),
                )
            )  # fmt: skip
        assert bring(small()) == {}

    def test_only_admins_import(self, bring, cast):
        for actor in (cast.tom, cast.uma, cast.pia, cast.ana):
            with pytest.raises(Forbidden):
                bring(small(), actor=actor)

    def test_the_school_next_door_is_not_touched(self, bring, cast):
        with transaction():
            cast.otto.sourced_id = "u1"
        bring(small())
        assert cast.otto.given_name == "Otto"
        assert count(User) == 11 + 4 + 4


class TestRows:
    def test_known_people_without_a_number_are_recognised_by_their_address(self, bring, cast):
        with transaction():
            known = create_person(cast.school, Role.TEACHER, "Theo", email="theo@new.example")
        assert bring(small())["user"] == (3, 1, 0)
        assert person("u1").id == known.id
        assert bring(small()) == {}

    def test_of_several_enrollments_the_one_that_runs_is_kept(self, bring):
        files = small()
        files["enrollments"] += "e4,c1,o1,u2,student,2025-08-01,2026-07-31\n"
        assert bring(files)["enrollment"] == (3, 0, 0)
        kept = db.session.scalars(
            select(Enrollment.sourced_id).where(Enrollment.role == EnrollmentRole.STUDENT)
        )
        assert "e4" not in set(kept)
        assert any("once more" in note for note in bring.summary["notes"])
        assert bring(files) == {}

    def test_a_class_without_a_course_is_one_itself(self, bring):
        files = small() | {"classes": table("sourcedId,title", "c1,Chess")}
        bring(files)
        assert "Chess" in set(db.session.scalars(select(Course.subject)))
        assert bring(files) == {}

    def test_each_error_names_its_place_and_what_would_be_right(self, bring):
        files = small()
        files["enrollments"] += "e5,c9,o1,u2,student,,\ne6,c1,o1,u9,student,,\ne7,c1,o1,u1,aide,,\n"
        files["lineItems"] += "i1,Twice,,2026-11-10,c1,g1,,\ni2,Bad,,10.11.2026,c1,g1,,\n"
        files["lineItems"] += "mark:1,Mark,,2026-11-10,c1,g1,,\n"
        files["results"] += "r5,i1,u2,fully graded,1_5,,\n"
        files["results"] += "r3,i1,u1,fully graded,5,,\nr4,i9,u2,fully graded,5,,\n"
        files["users"] += "u7,true,o1,aide,x,Ai,De,,,\n"
        bring(files, dry=True)
        found = {(one.file, one.line, one.column, one.value) for one in bring.problems}
        assert found == {
            ("enrollments.csv", 5, "classSourcedId", "c9"),
            ("enrollments.csv", 6, "userSourcedId", "u9"),
            ("enrollments.csv", 7, "role", "aide"),
            ("lineItems.csv", 3, "sourcedId", "i1"),
            ("lineItems.csv", 4, "dueDate", "10.11.2026"),
            ("lineItems.csv", 5, "sourcedId", "mark:1"),
            ("results.csv", 4, "score", "1_5"),
            ("results.csv", 5, "studentSourcedId", "u1"),
            ("results.csv", 6, "lineItemSourcedId", "i9"),
            ("users.csv", 6, "role", "aide"),
        }
        assert all(one.text for one in bring.problems)
        assert bring.summary["left_out"] == 2
        assert bring.summary["errors"] == 8

    def test_who_is_named_as_a_guardian_but_is_none_is_listed_and_not_taken(self, bring):
        files = small()
        files["users"] = files["users"].replace(
            ",sam@new.example,u4,", ',sam@new.example,"u4,u1,u5,u9",'
        )
        files["users"] += "u5,true,o1,relative,x,Rea,Lative,,,\n"
        assert bring(files, dry=True)["link"] == (2, 0, 0)
        found = {(one.line, one.column, one.value) for one in bring.problems}
        assert found == {
            (3, "agentSourcedIds", "u1 (teacher)"),
            (3, "agentSourcedIds", "u5 (relative)"),
            (3, "agentSourcedIds", "u9"),
            (6, "role", "relative"),
        }
        assert (bring.summary["left_out"], bring.summary["errors"]) == (3, 1)
        assert "parent or guardian of a student" in bring.problems[1].text

    def test_what_was_shown_is_what_is_saved(self, cast, tmp_path):
        path = write(tmp_path / "b", small())

        def run(work, seen=None):
            def seeing(task):
                return work(type(task)(**{**vars(task), "seen": seen}))

            return run_now(
                cast.ada, ImportKind.ONEROSTER, path, seeing, clock.fixed(NOW), Progress(),
            )[0]  # fmt: skip

        shown = run(check_oneroster).fingerprint
        write(path, small() | {"courses": small()["courses"] + "k2,Art,o1,Art\n"})
        with pytest.raises(Conflict, match="changed since you looked"):
            run(save_oneroster, shown)
        write(path, small())
        assert run(save_oneroster, shown).fingerprint == shown
        assert run(save_oneroster, shown).summary["is_empty"]

    @pytest.mark.parametrize("is_read", [False, True])
    def test_while_it_plans_others_may_write_but_not_what_it_has_read(
        self, bring, cast, monkeypatch, is_read
    ):
        """On SQLite a writer keeps out all others, also who writes down which mails were sent."""
        table, key = (User, cast.tom.id) if is_read else (ReportDelivery, 0)
        write = update(table).where(table.id == key).values(id=key)
        write = write.values(given_name="Thomas") if is_read else write

        def planning(stage):
            with db.engine.begin() as other:
                other.execute(write)
            return make_plan(stage)

        monkeypatch.setattr(oneroster, "make_plan", planning)
        if not is_read:
            assert bring(small())["user"] == (4, 0, 0)
            return
        with pytest.raises(Conflict, match="changed since you looked"):
            bring(small())
        assert count(ImportRun) == 0

    def test_a_file_that_is_promised_must_be_there(self, bring):
        with pytest.raises(InvalidInput, match=r"promises users\.csv"):
            bring({"manifest": manifest("bulk", "users"), "orgs": small()["orgs"]})


def test_examples_name_people_and_not_their_numbers(bring):
    bring(small())
    fewer = small()
    fewer["users"] = "\n".join(line for line in fewer["users"].splitlines() if "Joy" not in line)
    for name in ("enrollments", "results"):
        lines = fewer[name].splitlines()
        fewer[name] = "\n".join(line for line in lines if "u3" not in line)
    bring(fewer, dry=True)
    gone = {kind["name"]: kind["examples"].get("gone") for kind in bring.summary["kinds"]}
    assert gone["enrollment"] == ["Joy Small – 7x Maths (as student)"]
    assert gone["result"] == ["Joy Small – Fractions"]
