// The queue of requests, first in, first out. Core: no Python, no ops.
#include "admission.h"

#include <chrono>
#include <mutex>
#include <utility>

#include "processors.h"

namespace attnrec {
namespace {

// More callers than processors: an admitted thread takes a while to wake, and processors would idle meanwhile.
int most_at_once() {
  static const int most = 2 * processors();
  return most;
}

// One lock for all queues, held for a few instructions at a time.
std::mutex &queue_lock() { return fork_safe(ForkSafe::kAdmission); }

}  // namespace

// The callers that were admitted or queued when this process was forked do not exist in the child.
void AdmissionControl::after_fork() {
  const int64_t now = forks();
  if (std::exchange(forks_, now) == now) return;
  in_ = 0;
  waiting_ = 0;
  first_ = nullptr;
  last_ = &first_;
}

void AdmissionControl::remove(const AdmissionRequest &mine) {
  AdmissionRequest **at = &first_;
  while (*at != &mine) at = &(*at)->next;
  *at = mine.next;
  if (last_ == &mine.next) last_ = at;
  --waiting_;
}

AdmissionControl::Outcome AdmissionControl::enter(AdmissionRequest &mine, const Threads &threads) {
  const int most = most_at_once();
  std::unique_lock<std::mutex> lock(queue_lock());
  after_fork();
  if (in_ < most) {
    ++in_;
    return Outcome::kAdmitted;
  }
  *last_ = &mine;
  last_ = &mine.next;
  ++waiting_;
  bool stop = false;
  const auto waits = [&] {
    return mine.state == AdmissionRequest::State::kClaimed ||
           (mine.state == AdmissionRequest::State::kWaiting && !stop);
  };
  while (waits()) {  // a granted request also waits when cancelled: its leader still reads it
    if (mine.woken.wait_for(lock, std::chrono::milliseconds(50)) == std::cv_status::no_timeout) continue;
    if (threads.poll == nullptr || stop) continue;
    lock.unlock();
    stop = threads.poll(threads.poll_data) != 0;
    lock.lock();
  }
  if (stop) {
    if (mine.state == AdmissionRequest::State::kWaiting) remove(mine);
    lock.unlock();
    if (mine.state == AdmissionRequest::State::kLeader) leave();
    throw Cancelled();
  }
  if (mine.state == AdmissionRequest::State::kDone) return Outcome::kDone;
  return mine.state == AdmissionRequest::State::kLeader ? Outcome::kAdmitted : Outcome::kBypass;
}

AdmissionRequest *AdmissionControl::take(int64_t least, int64_t most) {
  const std::lock_guard<std::mutex> lock(queue_lock());
  if (waiting_ < least) return nullptr;
  AdmissionRequest *list = first_;
  AdmissionRequest **end = &first_;
  for (; most > 0 && *end != nullptr; --most, --waiting_, end = &(*end)->next)
    (*end)->state = AdmissionRequest::State::kClaimed;
  first_ = std::exchange(*end, nullptr);
  if (first_ == nullptr) last_ = &first_;
  return list;
}

void AdmissionControl::answer(AdmissionRequest *list, AdmissionRequest::State state) {
  while (list != nullptr) {
    const std::lock_guard<std::mutex> lock(queue_lock());  // taken anew for each, since waking a thread is slow
    AdmissionRequest &one = *std::exchange(list, list->next);
    one.state = state;
    one.woken.notify_one();  // the last touch: its caller goes on when the lock is free
  }
}

void AdmissionControl::leave() {
  const std::lock_guard<std::mutex> lock(queue_lock());
  if (first_ == nullptr) {
    --in_;
    return;
  }
  AdmissionRequest &next = *first_;
  remove(next);
  next.state = AdmissionRequest::State::kLeader;
  next.woken.notify_one();
}

}  // namespace attnrec
