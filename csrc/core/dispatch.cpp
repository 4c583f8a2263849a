// Chooses the tables of kernels at run time. Core: no Python, no ops.
#include "dispatch.h"

#include <string>

#include "environment.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace attnrec {

extern const Kernels kernels_scalar;
extern const Int8Kernels int8_scalar;
#if defined(__x86_64__) || defined(_M_X64)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
extern const Int8Kernels int8_avx2;
#ifdef ATTNREC_HAS_AVXVNNI
extern const Int8Kernels int8_avxvnni;
#endif
extern const Int8Kernels int8_avx512;
extern const Int8Kernels int8_avx512vnni;
#elif defined(__aarch64__)
extern const Kernels kernels_neon;
extern const Int8Kernels int8_dotprod;
#endif

namespace {

bool always() { return true; }

#if defined(__x86_64__) || defined(_M_X64)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#ifdef ATTNREC_EMULATE_AVX512  // intrinsics in software: they run anywhere AVX2 does
bool has_avx512() { return has_avx2(); }
bool has_avx512vnni() { return has_avx2(); }
[[maybe_unused]] bool has_avxvnni() { return has_avx2(); }
#else
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
bool has_avx512vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
[[maybe_unused]] bool has_avxvnni() {  // leaf 7, subleaf 1, EAX bit 4; older compilers have no name for it
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1U) != 0;
}
#endif
#elif defined(__aarch64__)
bool has_dotprod() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) >> 20 & 1U) != 0;  // HWCAP_ASIMDDP
#elif defined(__APPLE__)
  int found = 0;
  size_t size = sizeof(found);
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &found, &size, nullptr, 0) == 0 && found != 0;
#else
  return false;
#endif
}
#endif

// best first
const Level kLevels[] = {
#if defined(__x86_64__) || defined(_M_X64)
    {"avx512vnni", &kernels_avx512, &int8_avx512vnni, has_avx512vnni},
    {"avx512", &kernels_avx512, &int8_avx512, has_avx512},
#ifdef ATTNREC_HAS_AVXVNNI
    {"avxvnni", &kernels_avx2, &int8_avxvnni, has_avxvnni},
#endif
    {"avx2", &kernels_avx2, &int8_avx2, has_avx2},
#elif defined(__aarch64__)
    {"dotprod", &kernels_neon, &int8_dotprod, has_dotprod},
    {"neon", &kernels_neon, nullptr, always},
#endif
    {"scalar", &kernels_scalar, &int8_scalar, always},
};

std::string names_of(const std::vector<const Level *> &levels) {
  std::string out;
  for (const Level *l : levels) out += std::string(out.empty() ? "" : ", ") + l->name;
  return out;
}

const Level &choose() {
  const auto levels = runnable_levels();
  const char *wanted = setting("ATTNREC_ISA");
  if (wanted == nullptr) return *levels.front();
  for (const Level *l : levels) {
    if (std::string(wanted) == l->name) return *l;
  }
  throw BadSetting(shown_setting("ATTNREC_ISA", wanted) + " does not run here; choose one of " + names_of(levels) +
                   ", or unset it");
}

}  // namespace

std::vector<const Level *> runnable_levels() {
  std::vector<const Level *> out;
  for (const Level &l : kLevels) {
    if (l.runs_here()) out.push_back(&l);
  }
  return out;
}

const Level &level() {
  static const Level &chosen = choose();
  return chosen;
}

}  // namespace attnrec
