// Threads: the only place that knows OpenMP, and the one that knows fork. Core: no Python, no ops.
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>

namespace attnrec {

// Thrown in the calling thread when `poll` asked to stop; outputs are then unfinished.
struct Cancelled : std::runtime_error {
  Cancelled() : std::runtime_error("cancelled") {}
};

struct Threads {
  int count = 1;
  int (*poll)(void *) = nullptr;  // called now and then on the calling thread; nonzero cancels
  void *poll_data = nullptr;
};

// Runs task(i) for i < n on up to threads.count threads, the caller among them, in any order. What a task throws
// is thrown again here once all have stopped. In a child made by fork() the OpenMP team of the parent is gone and
// using it would hang, so there (and in builds without OpenMP) the team is made of plain threads.
void parallel_for(int64_t n, const Threads &threads, const std::function<void(int64_t)> &task);

// For long tasks of parallel_for to call now and then: throws Cancelled once poll has asked to stop.
void check_cancelled();

// Locks that a child made by fork() finds free, each to be held for moments; and how often this process was forked.
enum class ForkSafe { kAdmission, kKinds };
std::mutex &fork_safe(ForkSafe what);
int64_t forks();

// What set_num_threads asked for, else ATTNREC_NUM_THREADS, else OMP_NUM_THREADS, else the processors to use. Throws
// BadSetting when it comes to a variable that is no number.
int default_num_threads();
void set_num_threads(int n);   // 0: back to the default
const char *threading_name();  // "openmp" or "threads"

}  // namespace attnrec
