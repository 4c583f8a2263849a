// Which table of kernels this process uses. Core: no Python, no ops.
#pragma once
#include <string>
#include <vector>

#include "../kernels/table.h"

namespace attnrec {

// The table chosen once: the best this processor runs, or the one named by ATTNREC_ISA.
// Throws std::runtime_error when ATTNREC_ISA names one that is not built in or does not run here.
const Kernels &kernels();

// All tables that run on this processor, best first.
std::vector<const Kernels *> runnable_kernels();

}  // namespace attnrec
