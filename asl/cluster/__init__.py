"""Predicting more pictures than one machine reads in a day: on many processors, by Ray Data.

Nothing here is imported by the rest of the package but the shell; Ray and pyarrow are the extra
`cluster`, and are imported where they are used.
"""
