// The one file that there is for a fuzzed process, in memory: to whatever path it is opened by. Fuzzing.
#pragma once
#include <cstdint>
#include <vector>

namespace attnrec_fuzz {

std::vector<uint8_t> &the_file();

}  // namespace attnrec_fuzz
