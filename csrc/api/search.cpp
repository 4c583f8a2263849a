// The part of the C interface that searches an index again and again, one query at a time, where what can be checked
// once is checked when a searcher is made; and that keeps an index in a file. Border: no kernels, no Python.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "../core/dispatch.h"
#include "../io/index_file.h"
#include "../ops/retrieval/searcher.h"
#include "guarded.h"

struct attnrec_searcher {
  attnrec::Searcher searcher;
  float scale, top_bias;
  bool skip_finite;
  std::atomic<bool> busy{false};
};

namespace attnrec {
namespace {

const char *kOp = "searcher";

// Holds a searcher for one call; buffers that two calls write to would hold nonsense.
class Turn {
 public:
  explicit Turn(std::atomic<bool> &busy) : busy_(busy) {
    if (busy.exchange(true, std::memory_order_acquire)) {
      throw std::runtime_error("searcher: another thread is searching with it; give each thread a searcher of its own");
    }
  }
  Turn(const Turn &) = delete;
  ~Turn() { busy_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> &busy_;
};

Ids own_ids(const char *name, const int64_t *ids, int64_t count, int64_t n) {
  check_id_range({kOp, name}, ids, count, n);
  if (ids == nullptr) return nullptr;
  return std::make_unique<const std::vector<int32_t>>(sorted_ids(ids, count));
}

}  // namespace

attnrec_status api_searcher_create(const attnrec_index *index, const attnrec_topk_options *options,
                                   attnrec_searcher **searcher, const attnrec_run *run) {
  return guarded([&] {
    if (index == nullptr || options == nullptr || searcher == nullptr) {
      fail(kOp, ": index, options or searcher is missing");
    }
    attnrec_run one = run == nullptr ? attnrec_run{} : given({kOp, "run"}, run);
    one.size = sizeof(one);
    if (one.num_threads == 0) one.num_threads = 1;  // no other is woken
    const Settings s = settings_of(kOp, &one);
    const auto o = given({kOp, "options"}, options);
    if (o.k < 1) fail(kOp, ": k is ", o.k, "; ask for at least 1 item");
    if (o.exclude != nullptr || o.include != nullptr) {
      fail(kOp, ": exclude and include are matrices for many queries; give what a query may not see to each search");
    }
    check_scale(kOp, o.scale);
    check_precision(kOp, o.precision);
    TopKTask task;
    task.k = o.k;
    task.scale = o.scale;
    task.precision = o.precision;
    task.bias = o.item_bias;
    const float top_bias = check_finite({kOp, "item_bias"}, o.item_bias, index->n, s.skip_finite);
    auto only = own_ids("items", o.items, o.n_items, index->n);
    auto filter = own_ids("filter_items", o.filter_items, o.n_filter_items, index->n);
    *searcher = new attnrec_searcher{
        {*index, task, std::move(only), std::move(filter), s.run}, o.scale, top_bias, s.skip_finite};
  });
}

void api_searcher_free(attnrec_searcher *searcher) { delete searcher; }

attnrec_status api_searcher_search(attnrec_searcher *searcher, const float *query, const int64_t *exclude,
                                   int64_t n_exclude, int64_t *ids, float *scores, int64_t *count) {
  return guarded([&] {
    if (searcher == nullptr || ids == nullptr || scores == nullptr) fail(kOp, ": searcher, ids or scores is missing");
    const Turn turn(searcher->busy);
    const attnrec_index &index = searcher->searcher.index();
    if (query == nullptr && index.d > 0) fail(kOp, ": query is missing");
    check_id_range({kOp, "exclude"}, exclude, n_exclude, index.n);
    const int64_t k = searcher->searcher.k();
    check_apart(kOp, {{ids, k, 1, 8, "out.ids"}, {scores, k, 1, 4, "out.scores"}, {count, 1, 1, 8, "count"}},
                {{query, index.d, 1, 4, "query"}, {exclude, n_exclude, 1, 8, "exclude"}});
    const float top = check_finite({kOp, "query"}, query, index.d, searcher->skip_finite);
    check_magnitude(kOp, index.d, top, index.max_abs, searcher->scale, searcher->top_bias);
    searcher->searcher.search(query, exclude, n_exclude, {ids, scores, nullptr, nullptr, count});
  });
}

attnrec_status api_index_save(const attnrec_index *index, const int64_t *ids, const char *path) {
  return guarded([&] {
    if (index == nullptr || path == nullptr) fail("ItemIndex.save: index or path is missing");
    save_index(*index, ids, path);
  });
}

attnrec_status api_index_open(const char *path, int map, attnrec_index **index) {
  return guarded([&] {
    if (index == nullptr || path == nullptr) fail("ItemIndex.open: index or path is missing");
    *index = nullptr;
    kernels();  // says now, and plainly, when ATTNREC_ISA does not run here
    *index = open_index(path, map != 0);
  });
}

attnrec_status api_index_get_info(const attnrec_index *index, attnrec_index_info *info) {
  return guarded([&] {
    if (index == nullptr || info == nullptr) fail("index_info: index or info is missing");
    const attnrec_index_info told{info->size,       index->n,         index->d,
                                  index->precision, index->ids.get(), index->by_id.get()};
    std::memcpy(info, &told, std::min(info->size, sizeof(told)));
  });
}

}  // namespace attnrec
