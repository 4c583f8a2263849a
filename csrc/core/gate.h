// Lets at most twice as many callers work at once as there are processors. Those that come meanwhile wait, and the next
// that is let in may do the work of all of them together. Core: no Python, no ops.
#pragma once
#include <condition_variable>
#include <cstdint>

#include "parallel.h"

namespace attnrec {

// What a caller waits for, on its stack; what the work is, a struct derived from it says.
struct Waiting {
  enum class Told { kNothing, kTaken, kLead, kDone, kFree };
  Told told = Told::kNothing;
  Waiting *next = nullptr;
  std::condition_variable woken;
};

class Gate {
 public:
  enum class Turn {
    kIn,    // let in: work, then leave()
    kDone,  // somebody else has done it
    kFree,  // work without having been let in: nothing to leave
  };

  Gate() = default;
  Gate(const Gate &) = delete;

  // Waits until it is this caller's turn. Cancelled if threads.poll asks for it meanwhile.
  Turn enter(Waiting &mine, const Threads &threads);
  // For whoever is in: takes up to `most` of those that wait, as a list, which has to be given to answer(); none if
  // there are fewer than `least`.
  Waiting *take(int64_t least, int64_t most);
  // Lets a list go on, as kDone or kFree.
  void answer(Waiting *list, Waiting::Told told);
  // Lets the next one in.
  void leave();

 private:
  void after_fork();
  void remove(const Waiting &mine);

  int in_ = 0;
  int64_t waiting_ = 0;
  Waiting *first_ = nullptr, **last_ = &first_;
  int64_t forks_ = 0;
};

}  // namespace attnrec
