"""Names for the demo school, from many languages and scripts, and addresses made of them.

A name in a script other than the Latin one is written with the spelling for its address after a |.
"""

import unicodedata
from dataclasses import dataclass
from random import Random

#: Given names and family names; the first of each pair go with the first of the other.
_NAMES: tuple[tuple[str, str], ...] = (
    (
        "Zoë Jürgen Anneliese Björn Käthe Lukas Sören Hannah Jörg Lina Matthias Emilia Moritz Elif",
        "Müller Größmann Schäfer Weiß Köhler Schröder Fischer Lindner Jäger Böhm Vogel Hübner",
    ),
    (
        "Łukasz Małgorzata Zofia Wojciech Agnieszka Michał Świętosława Paweł Bożena Jan Oliwia",
        "Wójcik Nowak Wałęsa Dąbek Kowalczyk Mazur Zając Król Pawlak Wróbel Sikora Gołąb",
    ),
    (
        "Minh Thảo Đức Hương Quỳnh Tuấn Linh Phượng Hải Ngọc Khánh Trâm",
        "Nguyễn Trần Phạm Đặng Lê Huỳnh Võ Bùi Đỗ Hồ Ngô Dương",
    ),
    (
        "Αλέξανδρος|alexandros Ελένη|eleni Γιώργος|giorgos Σοφία|sofia Νίκος|nikos Μαρία|maria "
        "Δημήτρης|dimitris Κατερίνα|katerina Θανάσης|thanasis Ιωάννα|ioanna",
        "Γεωργίου|georgiou Οικονόμου|oikonomou Ιωάννου|ioannou Βασιλείου|vasileiou "
        "Δημητρίου|dimitriou Νικολάου|nikolaou Αθανασίου|athanasiou Χρήστου|christou",
    ),
    (
        "Ольга|olga Тарас|taras Софія|sofiia Богдан|bohdan Наталія|nataliia Андрій|andrii "
        "Юлія|yuliia Максим|maksym Ганна|hanna Євген|yevhen",
        "Шевченко|shevchenko Коваленко|kovalenko Бондаренко|bondarenko Ткаченко|tkachenko "
        "Мельник|melnyk Кравчук|kravchuk Лисенко|lysenko Савченко|savchenko Гнатюк|hnatiuk",
    ),
    (
        "محمد|mohammed فاطمة|fatima يوسف|yusuf ليلى|layla عمر|omar مريم|maryam خالد|khalid "
        "نور|nour حسن|hassan سلمى|salma",
        "الحسن|alhassan حداد|haddad منصور|mansour الخطيب|alkhatib نجار|najjar العلي|alali "
        "صالح|saleh درويش|darwish قاسم|qasim حمدان|hamdan",
    ),
    (
        "小明|xiaoming 丽华|lihua 伟|wei 静|jing 志强|zhiqiang 美玲|meiling 建国|jianguo "
        "雪|xue 子涵|zihan 宇轩|yuxuan",
        "王|wang 李|li 张|zhang 刘|liu 陈|chen 杨|yang 赵|zhao 黄|huang 周|zhou 吴|wu",
    ),
    (
        "花子|hanako 健太|kenta 美咲|misaki 翔|sho さくら|sakura 陽菜|hina 大輝|daiki 結衣|yui "
        "蓮|ren 葵|aoi",
        "佐藤|sato 鈴木|suzuki 高橋|takahashi 田中|tanaka 伊藤|ito 渡辺|watanabe 山本|yamamoto "
        "中村|nakamura 小林|kobayashi 加藤|kato",
    ),
    (
        "민준|minjun 서연|seoyeon 지우|jiwoo 하은|haeun 도윤|doyun 수빈|subin 예준|yejun "
        "지민|jimin 현우|hyunwoo 유나|yuna",
        "김|kim 이|lee 박|park 최|choi 정|jung 강|kang 조|cho 윤|yoon 장|jang 임|lim",
    ),
    (
        "अनन्या|ananya अर्जुन|arjun प्रिया|priya रोहन|rohan काव्या|kavya विक्रम|vikram "
        "मीरा|meera आदित्य|aditya नेहा|neha ईशान|ishaan",
        "शर्मा|sharma वर्मा|verma गुप्ता|gupta सिंह|singh पटेल|patel मेहता|mehta जोशी|joshi "
        "मिश्रा|mishra नायर|nair राव|rao",
    ),
    (
        "Siobhán Aoife Seán Ciarán Niamh Pádraig Gráinne Oisín Róisín Cillian Fiadh Eoghan",
        "O'Neil O'Brien MacCarthy D'Arcy Byrne Gallagher Ó_Súilleabháin Kelly Nolan Fitzgerald",
    ),
    (
        "Íñigo Begoña José_María Lucía Martín Inés Álvaro Sofía Ramón Noelia Iker Belén",
        "Ñuñez García_Márquez Peña Ibáñez Muñoz Gómez Quiñones Álvarez López Domínguez Ordóñez",
    ),
    (
        "Ayşe Çağla Gökhan İrem Özgür Şeyma Uğur Emre Zeynep Işıl Barış Tuğçe",
        "Yılmaz Çelik Öztürk Şahin Kılıç Güneş Aydın Doğan Arslan Koç Erdoğmuş Yıldız",
    ),
    (
        "Åsa Søren Ingrid Øystein Linnéa Håkon Freja Jóhann Þórdís Mikkel Ylva Aino",
        "Ångström Sørensen Bjørnstad Jørgensen Lindqvist Ødegård Næss Hämäläinen Mäkinen Holm",
    ),
    (
        "Chloé François Maëlle Anaïs Jérôme Hélène Loïc Noémie Théo Zoé Benoît Solène",
        "Lefèvre Bénard D'Aubigné Château Le_Goff Garçon Moreau Hébert Françillon Dubois Noël",
    ),
    (
        "João Inês Gonçalo Conceição Luís Beatriz Simão Thaís Caetano Lívia Estêvão Júlia",
        "Gonçalves Araújo Conceição_e_Silva Magalhães Simões Brandão Falcão Guimarães Leitão",
    ),
    (
        "Jiří Žofie Ondřej Štěpán Lenka Matěj Kateřina Vojtěch Řehoř Anežka Tomáš Jakub",
        "Dvořák Novotný Černý Růžička Beneš Kučera Šťastný Havlíček Němec Procházka Kříž",
    ),
    (
        "Chiamaka Olúwaṣeun Ngozi Tunde Adaeze Kwame Amara Babátúndé Ifeoma Kofi Folasade Zuri",
        "Okafor Adéyemí Mensah Nwosu Balogun Achebe Ọlátúnjí Owusu Eze Abubakar Boateng Diallo",
    ),
    (
        "Grace Oliver Amelia Noah Charlotte Jack Poppy Leo Isla Arthur Maisie Theodore",
        "Smith-Jones Hughes Wright Cooper Bennett Fletcher Whitaker Marsh Thornton Pryce Llewellyn",
    ),
)

_ASCII = str.maketrans(
    {"ł": "l", "ø": "o", "ß": "ss", "đ": "d", "æ": "ae", "ı": "i", "þ": "th", "ð": "d", "œ": "oe"}
)


@dataclass(frozen=True)
class Word:
    """A given or family name and its spelling in addresses."""

    text: str
    ascii: str


@dataclass(frozen=True)
class PersonName:
    """A name, and the number of its language in this module's list."""

    given: Word
    family: Word
    language: int


def _words(text: str) -> tuple[Word, ...]:
    return tuple(_word(part.replace("_", " ")) for part in text.split())


def _word(text: str) -> Word:
    name, _, spelling = text.partition("|")
    return Word(name, spelling or _plain(name))


def _plain(name: str) -> str:
    """`Łukasz` as `lukasz`: what an address can hold."""
    decomposed = unicodedata.normalize("NFKD", name.lower().translate(_ASCII))
    return "".join(char for char in decomposed if char.isascii() and char.isalnum())


_LANGUAGES = tuple((_words(given), _words(family)) for given, family in _NAMES)


class Names:
    """Draws names and addresses; each full name once, as long as there are enough of them."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._taken: set[str] = set()
        self._addresses: set[str] = set()
        self._drawn = 0

    def draw(self) -> PersonName:
        """The name of somebody new; the languages take turns."""
        language = self._drawn % len(_LANGUAGES)
        first = self._drawn < len(_LANGUAGES)
        self._drawn += 1
        families = _LANGUAGES[language][1]
        family = families[0] if first else self._dice.choice(families)
        return self._name(language, family, first=first)

    def relative(self, name: PersonName) -> PersonName:
        """The name of somebody else in the same family."""
        return self._name(name.language, name.family)

    def _name(self, language: int, family: Word, *, first: bool = False) -> PersonName:
        givens = _LANGUAGES[language][0]
        given = givens[0] if first else self._dice.choice(givens)
        for _ in range(30):
            if f"{given.text} {family.text}" not in self._taken:
                break
            given = self._dice.choice(givens)
            other = self._dice.choice(givens)
            if other != given and self._dice.random() < 0.5:
                given = Word(f"{given.text} {other.text}", f"{given.ascii}.{other.ascii}")
        self._taken.add(f"{given.text} {family.text}")
        return PersonName(given, family, language)

    def address(self, name: PersonName, domain: str) -> str:
        """An address that nobody else has: `zoe.muller@family.example`, `zoe.muller2@...`."""
        local = f"{name.given.ascii}.{name.family.ascii}"
        address, number = f"{local}@{domain}", 1
        while address in self._addresses:
            number += 1
            address = f"{local}{number}@{domain}"
        self._addresses.add(address)
        return address
