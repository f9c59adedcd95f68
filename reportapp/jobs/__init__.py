"""What runs periodically, and what fires it. The only place that knows a scheduler exists."""

from reportapp.jobs.service import SchedulerService
from reportapp.jobs.table import JOBS, Job

__all__ = ["JOBS", "Job", "SchedulerService"]
