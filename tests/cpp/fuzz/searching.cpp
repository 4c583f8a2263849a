// Fuzzed calls of searchers, against topk, and of indexes in files, against what was saved. Fuzzing: knows attnrec.h
// alone.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "call.h"
#include "entries.h"

namespace attnrec_fuzz {
namespace {

const attnrec_api &api() { return *attnrec_get_api(); }

struct Free {
  void operator()(attnrec_index *x) const { api().index_free(x); }
  void operator()(attnrec_searcher *x) const { api().searcher_free(x); }
};
using Index = std::unique_ptr<attnrec_index, Free>;

attnrec_run one_thread() {
  attnrec_run run{};
  run.size = sizeof(run);
  run.num_threads = 1;
  return run;
}

Index index_of(const Dense &items, Bytes &bytes) {
  attnrec_index *made = nullptr;
  const attnrec_run run = one_thread();
  (void)api().index_create(&items.view, static_cast<attnrec_precision>(bytes.below(3)), &made, &run);
  return Index(made);
}

// A file without a name, which ends with the process.
const char *path_of_a_file() {
  static std::FILE *const file = std::tmpfile();
  require(file != nullptr, "index_save", "there is no room for a file");
  static const std::string path = "/proc/self/fd/" + std::to_string(fileno(file));
  return path.c_str();
}

// One query by topk, whose answer a searcher's has to be.
attnrec_status by_topk(const float *query, int64_t d, const attnrec_index *index, attnrec_topk_options o,
                       const std::vector<int64_t> &exclude, int64_t n, const attnrec_topk_result &r) {
  std::vector<int32_t> hidden;
  for (const int64_t id : exclude) {
    if (id < 0 || id >= n) return ATTNREC_INVALID;
    hidden.push_back(static_cast<int32_t>(id));
  }
  const int64_t indptr[] = {0, static_cast<int64_t>(hidden.size())};
  const attnrec_csr masked{indptr, hidden.data(), nullptr, 1, n};
  o.exclude = &masked;
  const attnrec_matrix row{query, 1, d, d, 1};
  const attnrec_operand q{&row, nullptr, nullptr}, items{nullptr, nullptr, index};
  const attnrec_run run = one_thread();
  return api().topk(&q, &items, &o, &r, &run);
}

}  // namespace

void searcher(const char *name, Bytes &bytes) {
  static const float kScales[] = {1, 0.125F, 0, -1, 30, 1e-30F, 1e30F, NAN};
  static const std::size_t kSizes[] = {0, 8, 12, 16, 20, 24, 32, 44, 56, 60, 72, 80, SIZE_MAX - 7, SIZE_MAX};
  const int64_t n = extent(bytes), d = extent(bytes);
  const Dense items(bytes, n, d);
  const Index index = index_of(items, bytes);
  if (index == nullptr) return;
  bool finite = true;
  const auto bias = bytes.one_in(3) ? vector_of(bytes, n, &finite) : nullptr;
  const auto only = ids_below(bytes, n), filter = ids_below(bytes, n);
  attnrec_topk_options o{};
  o.size = bytes.one_in(32) ? bytes.one_of(kSizes) : sizeof(o);
  o.k = bytes.one_in(16) ? bytes.below(3) - 1 : 1 + bytes.below(20);
  o.scale = bytes.one_of(kScales);
  o.precision = static_cast<attnrec_precision>(bytes.one_in(32) ? 3 : bytes.below(3));
  o.item_bias = bias.get();
  const int64_t listed = bytes.below(4);
  if (listed == 3 || listed == 2) o.items = only.data(), o.n_items = static_cast<int64_t>(only.size());
  if (listed == 3 || listed == 1)
    o.filter_items = filter.data(), o.n_filter_items = static_cast<int64_t>(filter.size());
  attnrec_searcher *made = nullptr;
  const attnrec_run run = one_thread();
  const attnrec_status status = api().searcher_create(index.get(), &o, &made, bytes.one_in(2) ? &run : nullptr);
  const std::unique_ptr<attnrec_searcher, Free> kept(made);
  require(status == ATTNREC_OK || status == ATTNREC_INVALID, name, "the status is none that fits");
  require((status == ATTNREC_OK) == (made != nullptr), name, "a searcher and a failure, or neither");
  if (status != ATTNREC_OK || o.size < sizeof(o)) return;
  const auto k = static_cast<std::size_t>(o.k);
  for (int64_t queries = bytes.below(3); queries >= 0; --queries) {
    const auto query = vector_of(bytes, d, &finite);
    const auto exclude = ids_below(bytes, n);
    std::vector<int64_t> ids(k, -7), want_ids(k, -8);
    std::vector<float> scores(k, 7), want_scores(k, 8);
    int64_t count = -7, want_count = -8;
    const attnrec_status got = api().searcher_search(
        made, query.get(), exclude.data(), static_cast<int64_t>(exclude.size()), ids.data(), scores.data(), &count);
    if (query == nullptr && d > 0) {
      require(got == ATTNREC_INVALID, name, "no query is searched");
      continue;
    }
    attnrec_topk_result r{};
    r.ids = want_ids.data();
    r.scores = want_scores.data();
    r.counts = &want_count;
    require(got == by_topk(query.get(), d, index.get(), o, exclude, n, r), name, "another status than that of topk");
    if (got != ATTNREC_OK) continue;
    require(ids == want_ids && count == want_count, name, "other items than those of topk");
    require(std::memcmp(scores.data(), want_scores.data(), k * sizeof(float)) == 0, name, "other scores");
  }
}

void index_file(const char *name, Bytes &bytes) {
  const int64_t n = extent(bytes), d = extent(bytes);
  const Dense items(bytes, n, d);
  const Index index = index_of(items, bytes);
  if (index == nullptr) return;
  const int64_t named = bytes.below(4);  // without names, in order, backwards, or one twice
  std::vector<int64_t> ids(static_cast<std::size_t>(n));
  for (int64_t i = 0; i < n; ++i) ids[static_cast<std::size_t>(i)] = (named == 2 ? n - i : i) * 1000;
  if (named == 3 && n > 0) ids.back() = bytes.one_in(2) ? -1 : 0;
  const char *path = path_of_a_file();
  require(api().index_save(index.get(), named == 0 ? nullptr : ids.data(), path) == ATTNREC_OK, name, "not saved");
  attnrec_index *opened = nullptr;
  const attnrec_status status = api().index_open(path, static_cast<int>(bytes.below(2)), &opened);
  const Index kept(opened);
  const bool wrong = named == 3 && n > 0 && (n > 1 || ids.back() < 0);
  require(status == (wrong ? ATTNREC_INVALID : ATTNREC_OK), name, api().last_error());
  if (opened == nullptr) return;
  attnrec_index_info info{};
  info.size = sizeof(info);
  require(api().index_info(opened, &info) == ATTNREC_OK && info.n == n && info.d == d, name, "another shape");
  require((info.ids != nullptr) == (named != 0 && n > 0), name, "names that were not given, or none");
  require(named == 0 || std::equal(ids.begin(), ids.end(), info.ids), name, "other names");
  const auto before = room<float>(n * d), after = room<float>(n * d);
  const bool read = api().index_rows(index.get(), 0, n, before.get()) == ATTNREC_OK &&
                    api().index_rows(opened, 0, n, after.get()) == ATTNREC_OK;
  require(read && std::equal(before.get(), before.get() + n * d, after.get()), name, "other rows than were saved");
}

}  // namespace attnrec_fuzz
