// Admission control with combining: at most 2 x processors callers run at once, the others queue in order of arrival,
// and the next one admitted may execute queued requests as one batch with its own. Core: no Python, no ops.
#pragma once
#include <condition_variable>
#include <cstdint>

#include "parallel.h"

namespace attnrec {

// A node of the queue, on its caller's stack. A derived struct holds the work that is requested.
struct AdmissionRequest {
  enum class State {
    kWaiting,  // in the queue
    kClaimed,  // taken from the queue into the batch of another caller, which will answer it
    kLeader,   // admitted: executes its own request, and may take others
    kDone,     // executed by another caller
    kBypass,   // sent back by another caller: executes its own request without being counted as admitted
  };
  State state = State::kWaiting;
  AdmissionRequest *next = nullptr;
  std::condition_variable woken;
};

class AdmissionControl {
 public:
  enum class Outcome {
    kAdmitted,  // execute the request, then call leave()
    kDone,      // another caller has executed it
    kBypass,    // execute the request; leave() must not be called
  };

  AdmissionControl() = default;
  AdmissionControl(const AdmissionControl &) = delete;

  // Blocks until the request is admitted or answered. Throws Cancelled if threads.poll asks for it meanwhile.
  Outcome enter(AdmissionRequest &mine, const Threads &threads);
  // For an admitted caller: takes up to `most` queued requests as a list, which must be passed to answer(); null if
  // fewer than `least` are queued.
  AdmissionRequest *take(int64_t least, int64_t most);
  // Wakes the callers of a list with state kDone or kBypass.
  void answer(AdmissionRequest *list, AdmissionRequest::State state);
  // Ends an admission: the first queued request, if any, is admitted in its place.
  void leave();

 private:
  void after_fork();
  void remove(const AdmissionRequest &mine);

  int in_ = 0;  // admitted callers
  int64_t waiting_ = 0;
  AdmissionRequest *first_ = nullptr, **last_ = &first_;
  int64_t forks_ = 0;
};

}  // namespace attnrec
