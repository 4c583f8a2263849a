// The memory budget of the process. Core: no Python, no ops.
#include "scratch.h"

#include <atomic>

namespace attnrec {
namespace {
std::atomic<int64_t> g_budget{0};
}

int64_t default_memory_budget() {
  const int64_t asked = g_budget;
  return asked > 0 ? asked : kDefaultMemoryBudget;
}

void set_memory_budget(int64_t bytes) { g_budget = bytes; }

}  // namespace attnrec
