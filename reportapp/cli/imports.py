"""`flask import`: the school's data from files."""

from flask.cli import AppGroup

from reportapp.cli.imports_oneroster import oneroster

imports = AppGroup("import", help="The school's data from files.")
imports.add_command(oneroster)
