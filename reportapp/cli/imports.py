"""`flask import`: the school's data from files."""

from flask.cli import AppGroup

from reportapp.cli.imports_records import attendance, marks

imports = AppGroup("import", help="The school's data from files.")
imports.add_command(attendance)
imports.add_command(marks)
