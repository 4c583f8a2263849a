// Threads: OpenMP where it is safe, plain threads elsewhere. Core: no Python, no ops.
#include "parallel.h"

#include <pthread.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "environment.h"
#include "processors.h"

namespace attnrec {
namespace {

std::atomic<int> g_threads{0};
std::atomic<int64_t> g_forks{0};
std::mutex g_shared[2];

const int g_watch_fork = pthread_atfork(
    [] {
      for (std::mutex &m : g_shared) m.lock();
    },
    [] {
      for (std::mutex &m : g_shared) m.unlock();
    },
    [] {
      ++g_forks;
      for (std::mutex &m : g_shared) m.unlock();
    });

// Hands out the tasks of one call, and keeps the first thing thrown.
class Queue {
 public:
  Queue(int64_t n, const Threads &threads, const std::function<void(int64_t)> &task)
      : n_(n), threads_(threads), task_(task) {
    if (threads.poll != nullptr) polled_ = std::chrono::steady_clock::now();
  }

  void work(bool is_caller) noexcept {
    const Worker here{this, is_caller};
    const Worker *outer = std::exchange(g_worker, &here);
    try {
      // relaxed: it deals out tasks and orders nothing else, which would hide races
      const auto next = [this] { return next_.fetch_add(1, std::memory_order_relaxed); };
      for (int64_t i = next(); i < n_; i = next()) task_(i);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (thrown_ == nullptr) thrown_ = std::current_exception();
      next_ = n_;
      stopped_ = true;
    }
    g_worker = outer;
  }

  void rethrow() const {
    if (thrown_ != nullptr) std::rethrow_exception(thrown_);
  }

  void check_cancelled(bool is_caller) {
    if (stopped_) throw Cancelled();
    if (!is_caller || threads_.poll == nullptr) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - polled_ < std::chrono::milliseconds(50)) return;
    polled_ = now;
    if (threads_.poll(threads_.poll_data) != 0) throw Cancelled();
  }

  // The queue that a thread works for; a task may not start another one, but a caller's caller may.
  struct Worker {
    Queue *queue;
    bool is_caller;
  };
  static thread_local const Worker *g_worker;

 private:
  const int64_t n_;
  const Threads &threads_;
  const std::function<void(int64_t)> &task_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::exception_ptr thrown_;
  std::chrono::steady_clock::time_point polled_;
};

thread_local const Queue::Worker *Queue::g_worker = nullptr;

void run_on_plain_threads(Queue &queue, int count) {
  std::vector<std::thread> team;
  try {
    for (int t = 1; t < count; ++t) team.emplace_back([&queue] { queue.work(false); });
  } catch (const std::system_error &) {  // no more threads to be had: those there are do the work
  }
  queue.work(true);
  for (std::thread &t : team) t.join();
}

int threads_from_environment() {
  const int asked = threads_asked_for();
  return asked > 0 ? asked : processors();
}

}  // namespace

std::mutex &fork_safe(ForkSafe what) { return g_shared[static_cast<int>(what)]; }

int64_t forks() { return g_forks; }

void parallel_for(int64_t n, const Threads &threads, const std::function<void(int64_t)> &task) {
  Queue queue(n, threads, task);
  const int count = static_cast<int>(std::min<int64_t>(threads.count, n));
  if (count <= 1) {
    queue.work(true);
  } else if (g_forks > 0) {
    run_on_plain_threads(queue, count);
  } else {
#ifdef _OPENMP
#pragma omp parallel num_threads(count)
    queue.work(omp_get_thread_num() == 0);
#else
    run_on_plain_threads(queue, count);
#endif
  }
  queue.rethrow();
}

void check_cancelled() {
  if (const Queue::Worker *here = Queue::g_worker) here->queue->check_cancelled(here->is_caller);
}

int default_num_threads() {
  if (const int asked = g_threads; asked > 0) return asked;
  static const int from_environment = threads_from_environment();
  return from_environment;
}

void set_num_threads(int n) { g_threads = n; }

const char *threading_name() {
#ifdef _OPENMP
  return "openmp";
#else
  return "threads";
#endif
}

}  // namespace attnrec
