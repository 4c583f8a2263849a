"""Readers of files: compression, blanks and quotes, headers, and several files as one source.

The readers of :mod:`attnrec.data` share these rules.

**Compression.** The first bytes of a file decide its compression, not its name: gzip, bz2, xz, zstd, lz4 (frames) or a
zip archive of one file. They also decide whether it is Parquet.

**Blanks.** Spaces and tabs around a field are removed, and blank lines are skipped. A field whose first character after
blanks is a double quote is quoted, and keeps the blanks inside the quotes. Between ``::``, quotes are ordinary
characters.

**The first line** is data if it holds only numbers and times, or if a column given by position holds a number or a
time, or an empty rating or time. It is a header if it holds a given name, a common header of ids (``userId``), or
common headers of two roles. If both are possible, or a role is not found, reading stops with an error that names
``header=``.

**Names.** Two columns for one role (``Rating,rating``, ``rating,rating``, or ``rating_x,rating_y`` from a join) are an
error, and so is a column that mentions ratings under an uncommon name: give the column of the role.

**Several files** are read as one where a path is a folder, a pattern (``"ratings/*.csv"``, ``**`` for any folders) or
a list of these. They follow each other by their paths, compared folder by folder, whatever order they are given in,
and have the same columns, in any order if their first lines name them. In folders, names that begin with ``_`` or ``.``
are skipped (``_SUCCESS``, ``_metadata``, ``.crc``), and so are empty files. Folders ``key=value`` below the folder
that was given, the fixed beginning of a pattern, or the folder that all paths of a list have in common are a column
``key``, if the files have none of that name: integers where all of its values are ("01" is 1, as Spark reads it), else
text, without ``%``-escapes; ``__HIVE_DEFAULT_PARTITION__`` is missing. Reports count lines or rows on from file to
file, and :meth:`attnrec.data.Report.where` gives the file and the number in it.
"""
