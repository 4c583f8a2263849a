// What environment variables ask for. Core: no Python, no ops.
#pragma once
#include <stdexcept>
#include <string>

namespace attnrec {

// A variable that cannot be followed; the message names it, its value and a fix.
struct BadSetting : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The value of a variable of attnrec's; null where it is unset or empty, which are the same.
const char *setting(const char *name);

// "NAME=value", for messages; what is not printable ASCII as \xNN.
std::string shown_setting(const char *name, const char *value);

// ATTNREC_NUM_THREADS, else the first number of OMP_NUM_THREADS; 0 where they leave it open. Throws BadSetting where
// the first is not a number. The second is of other libraries, which ignore what they cannot read, and so is it here.
int threads_asked_for();

}  // namespace attnrec
