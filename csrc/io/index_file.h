// An index in a file, in the form that the kernels read: opening it maps it. Border: used by api/search.cpp.
#pragma once
#include "../checks/check.h"

namespace attnrec {

// ids (n,), unique and not negative, or null. Writes to the path itself; throws Invalid with the reason.
void save_index(const attnrec_index &index, const int64_t *ids, const char *path);
// Throws Invalid with file, reason and fix where the file is not whole or not for this library or processor.
attnrec_index *open_index(const char *path, bool map);

}  // namespace attnrec
