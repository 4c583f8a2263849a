// How many processors this process may use: its affinity, and the CPU quota of a container. Core: no Python, no ops.
#include "processors.h"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>
#include <vector>

namespace attnrec {
namespace {

constexpr int kNone = std::numeric_limits<int>::max();

// Where the kernel shows a hierarchy of groups: the group at the top of it, its folder, and of which kind it is.
struct Mount {
  std::string top;
  std::string folder;
  bool v2;
};

bool among(const std::string &name, const std::string &list) {
  std::istringstream names(list);
  for (std::string each; std::getline(names, each, ',');) {
    if (each == name) return true;
  }
  return false;
}

// Blanks and the like stand as \040 in mountinfo.
std::string unescaped(const std::string &text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t k) { return text[i + k] >= '0' && text[i + k] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(1) && octal(2) && octal(3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Hierarchies with quotas. A line: id parent device top folder options [tags...] - type source options
std::vector<Mount> mounts(const std::string &root) {
  std::vector<Mount> out;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string skipped, top, folder, word, type, options;
    fields >> skipped >> skipped >> skipped >> top >> folder;
    while (fields >> word && word != "-") {
    }
    fields >> type >> skipped >> options;
    if (!fields) continue;
    const bool v2 = type == "cgroup2";
    if (v2 || (type == "cgroup" && among("cpu", options))) out.push_back({unescaped(top), unescaped(folder), v2});
  }
  // where they mostly are, for systems that do not tell
  out.push_back({"/", "/sys/fs/cgroup", true});
  out.push_back({"/", "/sys/fs/cgroup/cpu", false});
  return out;
}

// The group of this process in one kind of hierarchy, or "/". A line: id:controllers:group
std::string group(const std::string &root, bool v2) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (v2 ? controllers.empty() : among("cpu", controllers)) return line.substr(second + 1);
  }
  return "/";
}

int rounded_up(int64_t quota, int64_t period) {
  if (quota <= 0 || period <= 0) return kNone;  // -1: no quota
  return static_cast<int>(std::min<int64_t>(kNone, (quota - 1) / period + 1));
}

int quota_of(const std::string &folder, bool v2) {
  int64_t quota = 0;
  int64_t period = 0;
  if (v2) {
    std::ifstream file(folder + "/cpu.max");
    return file >> quota >> period ? rounded_up(quota, period) : kNone;  // "max 100000": not a number
  }
  std::ifstream quotas(folder + "/cpu.cfs_quota_us");
  std::ifstream periods(folder + "/cpu.cfs_period_us");
  return quotas >> quota && periods >> period ? rounded_up(quota, period) : kNone;
}

// From the process's own group up to the top one. Where the group is not below the top, as in a container that sees
// its groups under another name, the top is the container's own.
int smallest_quota(const std::string &root, const Mount &mount) {
  std::string below = group(root, mount.v2);
  const std::string top = mount.top == "/" ? "" : mount.top;
  const bool inside =
      below.compare(0, top.size(), top) == 0 && (below.size() == top.size() || below[top.size()] == '/');
  below = inside && below.find("..") == std::string::npos ? below.substr(top.size()) : "";
  int smallest = kNone;
  for (;;) {
    smallest = std::min(smallest, quota_of(root + mount.folder + below, mount.v2));
    const size_t slash = below.rfind('/');
    if (slash == std::string::npos) return smallest;
    below.resize(slash);
  }
}

int affinity() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

int quota_processors(const std::string &root) {
  int smallest = kNone;
#ifdef __linux__
  for (const Mount &mount : mounts(root)) smallest = std::min(smallest, smallest_quota(root, mount));
#endif
  return smallest == kNone ? 0 : smallest;
}

int processors() {
  const int quota = quota_processors("");
  const int allowed = std::max(1, affinity());
  return quota > 0 ? std::min(allowed, quota) : allowed;
}

}  // namespace attnrec
