// What environment variables ask for. Core: no Python, no ops.
#include "environment.h"

#include <cstdlib>

namespace attnrec {
namespace {

constexpr int kMost = 4096;  // as many as Python's num_threads= starts

bool blank(char c) { return c == ' ' || c == '\t'; }

// A whole number up to kMost among blanks, up to the end or to `stop`; -1 for anything else.
int whole_number(const char *text, char stop) {
  while (blank(*text)) ++text;
  if (*text < '0' || *text > '9') return -1;
  int n = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    n = 10 * n + (*text - '0');
    if (n > kMost) return -1;
  }
  while (blank(*text)) ++text;
  return *text == '\0' || *text == stop ? n : -1;
}

}  // namespace

const char *setting(const char *name) {
  const char *text = std::getenv(name);
  return text == nullptr || *text == '\0' ? nullptr : text;
}

std::string shown_setting(const char *name, const char *value) {
  const char *digits = "0123456789abcdef";
  std::string out = std::string(name) + "=";
  for (; *value != '\0'; ++value) {
    const auto c = static_cast<unsigned char>(*value);
    if (c >= ' ' && c < 127) {
      out += *value;
    } else {
      out += {'\\', 'x', digits[c >> 4], digits[c & 15U]};
    }
  }
  return out;
}

int threads_asked_for() {
  if (const char *text = setting("ATTNREC_NUM_THREADS")) {
    const int n = whole_number(text, '\0');
    if (n < 0) {
      throw BadSetting(shown_setting("ATTNREC_NUM_THREADS", text) +
                       " is not a number of threads; give a whole number up to " + std::to_string(kMost) +
                       ", such as ATTNREC_NUM_THREADS=4, or unset it for as many as there are processors to use");
    }
    if (n > 0) return n;
  }
  const char *openmp = setting("OMP_NUM_THREADS");
  const int n = openmp == nullptr ? 0 : whole_number(openmp, ',');  // a number for each level of nesting
  return n > 0 ? n : 0;
}

}  // namespace attnrec
