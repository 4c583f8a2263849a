// Chooses the table of kernels at run time. Core: no Python, no ops.
#include "dispatch.h"

#include <cstdlib>
#include <stdexcept>

namespace attnrec {

extern const Kernels kernels_scalar;
#if defined(__x86_64__) || defined(_M_X64)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#elif defined(__aarch64__)
extern const Kernels kernels_neon;
#endif

namespace {

struct Row {
  const Kernels *table;
  bool (*runs_here)();
};

bool always() { return true; }

// best first
const Row kRows[] = {
#if defined(__x86_64__) || defined(_M_X64)
#ifdef ATTNREC_EMULATE_AVX512  // intrinsics in software: runs anywhere AVX2 does
    {&kernels_avx512, always},
#else
    {&kernels_avx512,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
     }},
#endif
    {&kernels_avx2, [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#elif defined(__aarch64__)
    {&kernels_neon, always},
#endif
    {&kernels_scalar, always},
};

std::string names_of(const std::vector<const Kernels *> &tables) {
  std::string out;
  for (const Kernels *t : tables) out += std::string(out.empty() ? "" : ", ") + t->name;
  return out;
}

const Kernels &choose() {
  const auto tables = runnable_kernels();
  const char *wanted = std::getenv("ATTNREC_ISA");
  if (wanted == nullptr || *wanted == '\0') return *tables.front();
  for (const Kernels *t : tables) {
    if (std::string(wanted) == t->name) return *t;
  }
  throw std::runtime_error("ATTNREC_ISA=" + std::string(wanted) + " does not run here; choose one of " +
                           names_of(tables) + ", or unset it");
}

}  // namespace

std::vector<const Kernels *> runnable_kernels() {
  std::vector<const Kernels *> out;
  for (const Row &row : kRows) {
    if (row.runs_here()) out.push_back(row.table);
  }
  return out;
}

const Kernels &kernels() {
  static const Kernels &chosen = choose();
  return chosen;
}

}  // namespace attnrec
