// One query at a time, with standing buffers. Ops only.
#include "searcher.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <mutex>

#include "../../core/dispatch.h"

namespace attnrec {
namespace {

constexpr double kGateFrom = 1 << 20;  // multiply-adds: of fewer, to wake a thread takes as long as a search
// Queries that are answered together: fewer take longer so, more would be waited for too long.
constexpr int64_t kAtLeast = 4, kAtMost = 32;

bool equal(const Ids &a, const Ids &b) { return a == nullptr || b == nullptr ? a == b : *a == *b; }

std::vector<float> copied(const float *bias, int64_t n) {
  return bias == nullptr ? std::vector<float>() : std::vector<float>(bias, bias + n);
}

// The kind of a new searcher: that of another one, where there is one that wants the same.
std::shared_ptr<SearchKind> kind_of(const attnrec_index &index, const TopKTask &task, Ids items, Ids filter) {
  static std::vector<std::weak_ptr<SearchKind>> kinds;
  const std::lock_guard<std::mutex> lock(fork_safe(ForkSafe::kKinds));
  std::shared_ptr<SearchKind> found;
  const auto gone = [&](const std::weak_ptr<SearchKind> &kind) {
    const auto one = kind.lock();
    if (one != nullptr && found == nullptr && one->same(index, task, items, filter)) found = one;
    return one == nullptr;
  };
  kinds.erase(std::remove_if(kinds.begin(), kinds.end(), gone), kinds.end());
  if (found == nullptr) {
    found = std::make_shared<SearchKind>(index, task, std::move(items), std::move(filter));
    kinds.push_back(found);
  }
  return found;
}

}  // namespace

SearchKind::SearchKind(const attnrec_index &index, const TopKTask &given, Ids ids, Ids hidden)
    : items{nullptr, nullptr, &index}, only(std::move(ids)), filter(std::move(hidden)),
      given_bias(copied(given.bias, index.n)), task(given) {
  task.bias = given.bias == nullptr ? nullptr : given_bias.data();
  task.items = only.get();
  task.masks = {nullptr, filter.get()};
  keys = keys_of(items, task, bias);
  keys.in_l1 = true;
  if (takes_int8(items, task, 1)) by_norm.emplace(*index.int8, keys.bias);
}

bool SearchKind::same(const attnrec_index &index, const TopKTask &other, const Ids &ids, const Ids &hidden) const {
  if (items.index != &index || task.k != other.k || task.precision != other.precision) return false;
  if (std::memcmp(&task.scale, &other.scale, sizeof(float)) != 0) return false;
  if ((task.bias == nullptr) != (other.bias == nullptr) || !equal(only, ids) || !equal(filter, hidden)) return false;
  return task.bias == nullptr || std::memcmp(task.bias, other.bias, given_bias.size() * sizeof(float)) == 0;
}

// One query, and where its items go.
struct Searcher::Request : AdmissionRequest {
  Request(const float *q, const std::vector<int32_t> &h, const attnrec_topk_result &r)
      : query(q), hidden(h), result(r) {}
  const float *query;
  const std::vector<int32_t> &hidden;
  const attnrec_topk_result &result;
};

Searcher::Searcher(const attnrec_index &index, const TopKTask &task, Ids items, Ids filter, const Run &run)
    : kind_(kind_of(index, task, std::move(items), std::move(filter))), run_(run), task_(kind_->task) {
  const Keys &keys = kind_->keys;
  exclude_ = {indptr_, nullptr, nullptr, 1, index.n};
  task_.masks.exclude = &exclude_;
  const std::vector<float> zeros(static_cast<std::size_t>(index.d), 0.0F);
  const attnrec_matrix any{zeros.data(), 1, index.d, index.d, 1};
  const attnrec_operand query{&any, nullptr, nullptr};
  const int64_t k = std::max<int64_t>(1, std::min(task_.k, keys.n));
  const int64_t lanes = kernels().lanes;
  float32_.emplace(Block(query, 0, 1, lanes), k, true,
                   [&](const Block &block) { return Scan(kernels(), block, keys, task_); });
  if (!kind_->by_norm.has_value()) return;
  int8_.emplace(Int8Block(query, 0, 1, lanes, task_.scale), k, false,
                [&](const Int8Block &block) { return Int8Scan(block, keys, *kind_->by_norm, task_); });
}

void Searcher::hide(const int64_t *ids, int64_t count) {
  hidden_.clear();
  for (int64_t i = 0; i < count; ++i) hidden_.push_back(static_cast<int32_t>(ids[i]));
  if (!std::is_sorted(hidden_.begin(), hidden_.end())) std::sort(hidden_.begin(), hidden_.end());
  hidden_.erase(std::unique(hidden_.begin(), hidden_.end()), hidden_.end());
  indptr_[1] = static_cast<int64_t>(hidden_.size());
  exclude_.indices = hidden_.data();
}

void Searcher::search_alone(const Request &request) {
  const Keys &keys = kind_->keys;
  const attnrec_matrix row{request.query, 1, keys.d, keys.d, 1};
  const attnrec_operand query{&row, nullptr, nullptr};
  if (run_.threads.count > 1) {
    topk(query, kind_->items, task_, request.result, run_);
    return;
  }
  const bool int8 = int8_.has_value() && takes_int8(kind_->items, task_, 1);
  const auto one = [&](int64_t) {
    if (int8) {
      int8_->search(query, keys.n, task_.k, request.result);
    } else {
      float32_->search(query, keys.n, task_.k, request.result);
    }
  };
  parallel_for(1, run_.threads, std::cref(one));  // so that it can be cancelled; by reference it needs no memory
}

// Answers one and others together. What each gets does not depend on who else is asked for.
void Searcher::answer(const Request &request, const AdmissionRequest *others) const {
  std::vector<const Request *> all{&request};
  for (; others != nullptr; others = others->next) all.push_back(static_cast<const Request *>(others));
  const auto b = static_cast<int64_t>(all.size());
  const int64_t d = kind_->keys.d;
  const int64_t k = task_.k;
  std::vector<float> queries;
  std::vector<int64_t> indptr{0};
  std::vector<int32_t> hidden;
  for (const Request *one : all) {
    queries.insert(queries.end(), one->query, one->query + d);
    hidden.insert(hidden.end(), one->hidden.begin(), one->hidden.end());
    indptr.push_back(static_cast<int64_t>(hidden.size()));
  }
  std::vector<int64_t> ids(static_cast<std::size_t>(b * k)), counts(all.size());
  std::vector<float> scores(static_cast<std::size_t>(b * k));

  const attnrec_matrix rows{queries.data(), b, d, d, 1};
  const attnrec_csr exclude{indptr.data(), hidden.data(), nullptr, b, index().n};
  TopKTask task = task_;
  task.masks.exclude = &exclude;
  Run run = run_;
  run.threads.poll = nullptr;  // others want theirs
  topk({&rows, nullptr, nullptr}, kind_->items, task, {ids.data(), scores.data(), nullptr, nullptr, counts.data()},
       run);
  for (int64_t i = 0; i < b; ++i) {
    const attnrec_topk_result &to = all[static_cast<std::size_t>(i)]->result;
    std::copy_n(ids.data() + i * k, k, to.ids);
    std::copy_n(scores.data() + i * k, k, to.scores);
    if (to.counts != nullptr) *to.counts = counts[static_cast<std::size_t>(i)];
  }
}

void Searcher::search_in_turn(Request &request) {
  AdmissionControl &admission = kind_->admission;
  const AdmissionControl::Outcome outcome = admission.enter(request, run_.threads);
  if (outcome == AdmissionControl::Outcome::kDone) return;
  if (outcome == AdmissionControl::Outcome::kBypass) {
    search_alone(request);
    return;
  }
  const struct Leaves {
    AdmissionControl &admission;
    ~Leaves() { admission.leave(); }
  } leaves{admission};
  AdmissionRequest *others = admission.take(kAtLeast - 1, kAtMost - 1);
  if (others == nullptr) {
    search_alone(request);
    return;
  }
  try {
    answer(request, others);
  } catch (...) {  // no memory for all of them
    admission.answer(others, AdmissionRequest::State::kBypass);
    search_alone(request);
    return;
  }
  admission.answer(others, AdmissionRequest::State::kDone);
}

void Searcher::search(const float *query, const int64_t *hidden, int64_t n_hidden, const attnrec_topk_result &result) {
  hide(hidden, n_hidden);
  Request request(query, hidden_, result);
  const double madds = static_cast<double>(kind_->keys.n) * static_cast<double>(kind_->keys.d);
  if (run_.threads.count > 1 || madds < kGateFrom) {
    search_alone(request);
  } else {
    search_in_turn(request);
  }
}

}  // namespace attnrec
