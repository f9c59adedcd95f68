"""The WSGI application, for `flask` and for web servers of your own: `gunicorn wsgi:app`.

It serves pages only. Run `flask scheduler run` beside it, or nothing is ever sent.
"""

from dotenv import load_dotenv

from reportapp import create_app

load_dotenv()
app = create_app()
