"""Networks from what others wrote: torch modules, their classes, the printouts of summaries."""
