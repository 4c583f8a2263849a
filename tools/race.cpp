// A team that shares work rightly, or on demand wrongly: what a thread sanitizer must pass, and what it must report.
#include <thread>
#include <vector>

namespace {

constexpr int kTeam = 3;
int g_shared = 0;

// Every thread has a slot of its own, safe to read once the team has ended; the shared count is nobody's.
void work(int *slots, int thread, bool race) {
  slots[thread] = 1;
  if (race) ++g_shared;
}

}  // namespace

// The number of threads that worked, twice: a runtime keeps its team, and hands it over from region to region.
extern "C" int team(int race) {
  std::vector<int> slots(2 * kTeam);
  for (int region = 0; region < 2; ++region) {
    int *own = slots.data() + region * kTeam;
#ifdef _OPENMP
#pragma omp parallel for num_threads(kTeam) schedule(static, 1)
    for (int t = 0; t < kTeam; ++t) work(own, t, race != 0);
#else
    std::vector<std::thread> others;
    for (int t = 0; t < kTeam; ++t) others.emplace_back([=] { work(own, t, race != 0); });
    for (std::thread &other : others) other.join();
#endif
  }
  int count = 0;
  for (const int slot : slots) count += slot;
  return count;
}
