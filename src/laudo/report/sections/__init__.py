"""What each section of the report says, one file a section. Their order is declared in :mod:`laudo.report.order`."""
