// How many processors this process may use. Core: no Python, no ops.
#pragma once
#include <string>

namespace attnrec {

// The processors that the scheduler may give to this process, and no more than the CPU quota of its control groups
// pays for; at least 1. Read anew at every call.
int processors();

// Processors that the CPU quotas of this process's control groups (Linux: cgroup v1 and v2) pay for, rounded up: the
// smallest quota from its own group up to the outermost one that can be seen. 0 where there is none. `root` is put
// before the paths of all files read (/proc/self/..., /sys/fs/cgroup/...): "" for the system's own.
int quota_processors(const std::string &root);

}  // namespace attnrec
