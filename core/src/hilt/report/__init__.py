"""Reports: something to look at after a session, a benchmark or a training run, in one HTML file that needs nothing else.

matplotlib is imported when the first figure is made.
"""

from hilt.report.document import Image, Link, Report, Section
from hilt.report.session import session_report

__all__ = ["Image", "Link", "Report", "Section", "session_report"]
