"""What the scripts share: pictures, summaries, ceilings of the machine, peak memory."""
