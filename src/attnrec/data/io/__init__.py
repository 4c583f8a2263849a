"""How files are read: what packs them, blanks and quotes, first lines, and several files as one source.

The readers of :mod:`attnrec.data` share these rules.

**Packing.** The first bytes of a file tell how it is packed, not its name: gzip, bz2, xz, zstd, lz4 (frames) or a zip
archive of one file. So they tell Parquet.

**Blanks.** Spaces and tabs around a field are not part of it, nor is a line of blanks a row. A field whose first letter
after blanks is a double quote is in quotes, and keeps the blanks in them. Between ``::``, quotes are letters too.

**The first line** is data if it holds numbers and times alone, or where a column that was given by position holds a
number or a time, or an empty rating or time. It names the columns if it holds a name that was given, a common header of
ids (``userId``), or common headers of two roles. Where neither can be told, or a role is not found, reading stops with
an error that names ``header=``.

**Names.** Two columns that look like one role (``Rating,rating``, ``rating,rating``, or ``rating_x,rating_y`` of a
join) are an error, and so is a column that speaks of ratings under no common name: say which it is.

**Several files** are read as one where a path is a folder, a pattern (``"ratings/*.csv"``, ``**`` for any folders) or
a list of these. They follow each other by their paths, compared folder by folder, whatever order they are given in,
and have the same columns, in any order if their first lines name them. In folders, names that begin with ``_`` or ``.``
are passed over (``_SUCCESS``, ``_metadata``, ``.crc``), and so are empty files. Folders ``key=value`` below the folder
that was given, the fixed beginning of a pattern, or the folder that all paths of a list have in common are a column
``key``, if the files have none of that name: integers where all of its values are ("01" is 1, as Spark reads it), else
text, without ``%``-escapes; ``__HIVE_DEFAULT_PARTITION__`` is missing. Reports count lines or rows on from file to
file, and :meth:`attnrec.data.Report.where` gives the file and the number in it.
"""
