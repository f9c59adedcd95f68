"""OneRoster bundles for tests and benches: small ones written by hand, large ones made."""

import csv
import io
import zipfile
from pathlib import Path


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


def small() -> dict[str, str]:
    """One class with a teacher, two students, a guardian, an assignment and two scores (1.1)."""
    return {
        "orgs": table("sourcedId,status,name,type", "o1,,Lindenhof,school"),
        "academicSessions": table(
            "sourcedId,title,type,startDate,endDate,schoolYear",
            "y1,Year,schoolYear,2026-08-01,2027-07-31,2027",
            "t1,Autumn,term,2026-08-01,2027-01-31,2027",
        ),
        "courses": table("sourcedId,title,orgSourcedId,subjects", "k1,Maths 7,o1,Mathematics"),
        "classes": table(
            "sourcedId,title,courseSourcedId,schoolSourcedId,termSourcedIds",
            'c1,7x Maths,k1,o1,"y1,t1"',
        ),
        "users": table(
            "sourcedId,enabledUser,orgSourcedIds,role,username,givenName,familyName,email,"
            "agentSourcedIds,password",
            "u1,true,o1,teacher,tt,Theo,Teach,theo@new.example,,",
            "u2,true,o1,student,ss,Sam,Small,sam@new.example,u4,P@ss",
            "u3,true,o1,student,sj,Joy,Small,,u4,",
            "u4,false,o1,guardian,gg,Gus,Small,Gus@New.example,,",
        ),
        "enrollments": table(
            "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,beginDate,endDate",
            "e1,c1,o1,u1,teacher,2026-08-01,",
            "e2,c1,o1,u2,student,,",
            "e3,c1,o1,u3,student,,",
        ),
        "categories": table("sourcedId,title", "g1,Test"),
        "lineItems": table(
            "sourcedId,title,assignDate,dueDate,classSourcedId,categorySourcedId,resultValueMin,"
            "resultValueMax",
            "i1,Fractions,2026-11-01,2026-11-10T08:00:00.000Z,c1,g1,0,20",
        ),
        "results": table(
            "sourcedId,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment",
            "r1,i1,u2,fully graded,15.5,2026-11-11,Good",
            "r2,i1,u3,Exempt,,,",
        ),
    }


def manifest(mode: str, *names: str) -> str:
    return table("propertyName,value", *(f"file.{name},{mode}" for name in names))


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / f"{name}.csv").write_bytes(data)
    return folder


def zipped(files: dict[str, str | bytes], prefix: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{prefix}{name}.csv", content)
    return buffer.getvalue()


def write_large(folder: Path, students: int, results: int, version: str = "1.1") -> Path:
    """A whole school: a guardian for each student, classes of 25, the results spread evenly."""
    folder.mkdir(parents=True, exist_ok=True)
    is_12 = version == "1.2"
    classes = max(1, students // 25)
    items = max(1, -(-results // 25))

    def save(name, header, rows):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)

    save("orgs", ["sourcedId", "name", "type"], [["o1", "Large School", "school"]])
    save(
        "academicSessions",
        ["sourcedId", "title", "type", "startDate", "endDate"],
        [["t1", "Autumn", "term", "2026-08-01", "2027-01-31"]],
    )
    save("courses", ["sourcedId", "title"], [["k1", "Mathematics"]])
    save(
        "classes",
        ["sourcedId", "title", "courseSourcedId", "termSourcedIds"],
        [[f"c{n}", f"Class {n}", "k1", "t1"] for n in range(classes)],
    )
    people = [
        *(("teacher", f"p{n}", "") for n in range(classes)),
        *(("student", f"s{n}", f"g{n}") for n in range(students)),
        *(("guardian" if not is_12 else "parent", f"g{n}", "") for n in range(students)),
    ]
    head = ["sourcedId", "givenName", "familyName", "email", "agentSourcedIds"]
    save(
        "users",
        head if is_12 else [*head, "role"],
        (
            [
                sid,
                f"Given{sid}",
                "Family",
                f"{sid}@large.example",
                agents,
                *([] if is_12 else [role]),
            ]
            for role, sid, agents in people
        ),
    )
    if is_12:
        save(
            "roles",
            ["sourcedId", "userSourcedId", "roleType", "role", "orgSourcedId"],
            ([f"r-{sid}", sid, "primary", role, "o1"] for role, sid, _ in people),
        )
    save(
        "enrollments",
        ["sourcedId", "classSourcedId", "userSourcedId", "role"],
        [
            *([f"et{n}", f"c{n}", f"p{n}", "teacher"] for n in range(classes)),
            *(
                [f"es{n}", f"c{min(n // 25, classes - 1)}", f"s{n}", "student"]
                for n in range(students)
            ),
        ],
    )
    save("categories", ["sourcedId", "title"], [["q1", "Test"]])
    save(
        "lineItems",
        ["sourcedId", "title", "dueDate", "classSourcedId", "categorySourcedId"],
        ([f"i{n}", f"Task {n}", "2026-11-10", f"c{n % classes}", "q1"] for n in range(items)),
    )
    save(
        "results",
        ["sourcedId", "lineItemSourcedId", "studentSourcedId", "scoreStatus", "score"],
        (
            [
                f"r{n}",
                f"i{n // 25}",
                f"s{(n // 25 % classes * 25 + n % 25) % students}",
                "fully graded",
                n % 101,
            ]
            for n in range(results)
        ),
    )
    return folder
