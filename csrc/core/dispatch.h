// Which tables of kernels this process uses. Core: no Python, no ops.
#pragma once
#include <vector>

#include "../kernels/int8_table.h"
#include "../kernels/table.h"

namespace attnrec {

// A level of instructions: its kernels, and those on 8 bits where it has them.
struct Level {
  const char *name;
  const Kernels *table;
  const Int8Kernels *int8;  // or null
  bool (*runs_here)();
};

// The level chosen once: the best this processor runs, or the one named by ATTNREC_ISA.
// Throws BadSetting when ATTNREC_ISA names one that is not built in or does not run here.
const Level &level();
inline const Kernels &kernels() { return *level().table; }

// All levels that run on this processor, best first.
std::vector<const Level *> runnable_levels();

}  // namespace attnrec
