// Lets callers in, in the order in which they came. Core.
#include "gate.h"

#include <chrono>
#include <mutex>
#include <utility>

#include "processors.h"

namespace attnrec {
namespace {

// More than can run: a thread that is let in takes a while to wake, and somebody has to work meanwhile.
int most_at_once() {
  static const int most = 2 * processors();
  return most;
}

// One lock for all gates, held for some instructions at a time.
std::mutex &lock_of_gates() { return fork_safe(ForkSafe::kGates); }

}  // namespace

// Who was in or waited when this process was forked is not here.
void Gate::after_fork() {
  const int64_t now = forks();
  if (std::exchange(forks_, now) == now) return;
  in_ = 0;
  waiting_ = 0;
  first_ = nullptr;
  last_ = &first_;
}

void Gate::remove(const Waiting &mine) {
  Waiting **at = &first_;
  while (*at != &mine) at = &(*at)->next;
  *at = mine.next;
  if (last_ == &mine.next) last_ = at;
  --waiting_;
}

Gate::Turn Gate::enter(Waiting &mine, const Threads &threads) {
  const int most = most_at_once();
  std::unique_lock<std::mutex> lock(lock_of_gates());
  after_fork();
  if (in_ < most) {
    ++in_;
    return Turn::kIn;
  }
  *last_ = &mine;
  last_ = &mine.next;
  ++waiting_;
  bool stop = false;
  const auto waits = [&] {
    return mine.told == Waiting::Told::kTaken || (mine.told == Waiting::Told::kNothing && !stop);
  };
  while (waits()) {  // even to stop, for whoever has taken it: it is read
    if (mine.woken.wait_for(lock, std::chrono::milliseconds(50)) == std::cv_status::no_timeout) continue;
    if (threads.poll == nullptr || stop) continue;
    lock.unlock();
    stop = threads.poll(threads.poll_data) != 0;
    lock.lock();
  }
  if (stop) {
    if (mine.told == Waiting::Told::kNothing) remove(mine);
    lock.unlock();
    if (mine.told == Waiting::Told::kLead) leave();
    throw Cancelled();
  }
  if (mine.told == Waiting::Told::kDone) return Turn::kDone;
  return mine.told == Waiting::Told::kLead ? Turn::kIn : Turn::kFree;
}

Waiting *Gate::take(int64_t least, int64_t most) {
  const std::lock_guard<std::mutex> lock(lock_of_gates());
  if (waiting_ < least) return nullptr;
  Waiting *list = first_;
  Waiting **end = &first_;
  for (; most > 0 && *end != nullptr; --most, --waiting_, end = &(*end)->next) (*end)->told = Waiting::Told::kTaken;
  first_ = std::exchange(*end, nullptr);
  if (first_ == nullptr) last_ = &first_;
  return list;
}

void Gate::answer(Waiting *list, Waiting::Told told) {
  while (list != nullptr) {
    const std::lock_guard<std::mutex> lock(lock_of_gates());  // anew for each: to wake a thread takes microseconds
    Waiting &one = *std::exchange(list, list->next);
    one.told = told;
    one.woken.notify_one();  // the last touch: its caller goes on when the lock is free
  }
}

void Gate::leave() {
  const std::lock_guard<std::mutex> lock(lock_of_gates());
  if (first_ == nullptr) {
    --in_;
    return;
  }
  Waiting &next = *first_;
  remove(next);
  next.told = Waiting::Told::kLead;
  next.woken.notify_one();
}

}  // namespace attnrec
