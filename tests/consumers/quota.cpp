// Prints how many processors the control groups below each given folder pay for; see tests/ops/test_environment.py.
#include <cstdio>

#include "core/processors.h"

int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) std::printf("%d\n", attnrec::quota_processors(argv[i]));
  return attnrec::processors() < 1;
}
