"""Serves the pages and, unless switched off, runs the scheduler: `python app.py`."""

from dotenv import load_dotenv

if __name__ == "__main__":
    load_dotenv()
    from reportapp.serve import main

    main()
