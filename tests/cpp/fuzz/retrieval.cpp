// Fuzzed calls of topk, against what its masks leave, and of indexes. Fuzzing: knows attnrec.h alone.
#include <algorithm>
#include <cmath>

#include "call.h"
#include "entries.h"

namespace attnrec_fuzz {
namespace {

const attnrec_api &api() { return *attnrec_get_api(); }

bool among(const int64_t *ids, int64_t n, int64_t id) { return std::find(ids, ids + n, id) != ids + n; }

// Which items a query may get, by the masks alone.
struct Masks {
  std::unique_ptr<Sparse> exclude, include;
  attnrec_topk_options o{};

  bool allow(int64_t i, int64_t j) const {
    if (exclude != nullptr && exclude->holds(i, j)) return false;
    if (include != nullptr && !include->holds(i, j)) return false;
    if (o.items != nullptr && !among(o.items, o.n_items, j)) return false;
    return o.filter_items == nullptr || !among(o.filter_items, o.n_filter_items, j);
  }
};

void check_row(const Call &call, const Masks &masks, const attnrec_topk_result &r, int64_t i, int64_t n) {
  const int64_t k = masks.o.k;
  const int64_t *ids = r.ids + i * k;
  const float *scores = r.scores + i * k;
  const float *weights = r.weights == nullptr ? nullptr : r.weights + i * k;
  int64_t allowed = 0, found = 0;
  for (int64_t j = 0; j < n; ++j) allowed += masks.allow(i, j);
  while (found < k && ids[found] != -1) ++found;
  call.require(!call.checked() || found == std::min(k, allowed), "more or fewer items than the masks leave");
  if (r.counts != nullptr) call.require(r.counts[i] == found, "a count is not that of the ids");
  for (int64_t c = 0; c < k; ++c) {
    if (c >= found) {
      call.require(ids[c] == -1 && scores[c] == -INFINITY, "padded with something else");
      call.require(weights == nullptr || weights[c] == 0, "padding has weight");
      continue;
    }
    call.require(ids[c] >= 0 && ids[c] < n && masks.allow(i, ids[c]), "an id that may not be there");
    if (!call.checked()) continue;
    call.require(!std::isnan(scores[c]), "a score of numbers is NaN");
    call.require(weights == nullptr || weights[c] >= 0, "a weight is none");
    if (c == 0) continue;
    const bool sorted = scores[c - 1] > scores[c] || (scores[c - 1] == scores[c] && ids[c - 1] < ids[c]);
    call.require(sorted, "not in the order of scores, ties by the lower id");
  }
  if (r.lse != nullptr && call.checked()) call.require_numbers(r.lse + i, 1, "a log-sum-exp of numbers is NaN");
}

}  // namespace

void topk(const char *name, Bytes &bytes) {
  static const float kScales[] = {1, 0.125F, 0, -1, 30, 1e-30F, 1e30F, 3.4e38F, NAN, INFINITY};
  static const std::size_t kSizes[] = {0, 8, 16, 20, 24, 32, 44, 56, 60, 72, 80, SIZE_MAX - 7, SIZE_MAX};
  Call call(name, bytes);
  const int64_t b = extent(bytes), n = extent(bytes), d = extent(bytes);
  const Operand queries(bytes, b, d), items(bytes, n, d);
  const attnrec_operand *q = queries.get(), *v = items.get();
  if (!same_rows(q, b)) return;
  Masks masks;
  masks.exclude = pattern(bytes, b, n);
  masks.include = pattern(bytes, b, n);
  bool finite = queries.finite() && items.finite();
  const auto bias = same_rows(v, n) && bytes.one_in(3) ? vector_of(bytes, n, &finite) : nullptr;
  const auto only = ids_below(bytes, n), filter = ids_below(bytes, n);
  attnrec_topk_options &o = masks.o;
  o.size = bytes.one_in(32) ? bytes.one_of(kSizes) : sizeof(o);
  o.k = bytes.one_in(16) ? extent(bytes) : 1 + bytes.below(20);
  o.scale = bytes.one_of(kScales);
  o.normalize = static_cast<attnrec_normalize>(bytes.one_in(32) ? -1 : bytes.below(2));
  o.precision = static_cast<attnrec_precision>(bytes.one_in(32) ? 3 : bytes.below(3));
  o.item_bias = bias.get();
  o.exclude = masks.exclude == nullptr ? nullptr : masks.exclude->get();
  o.include = masks.include == nullptr ? nullptr : masks.include->get();
  const int64_t listed = bytes.below(8);
  if (listed == 7 || listed == 6) o.items = only.data(), o.n_items = static_cast<int64_t>(only.size());
  if (listed == 7 || listed == 5)
    o.filter_items = filter.data(), o.n_filter_items = static_cast<int64_t>(filter.size());
  if (bytes.one_in(64)) o.n_items = -1;
  const bool weights = bytes.one_in(2);
  attnrec_topk_result r{};
  int64_t cells = 0, size = 0;  // a result that some memory would hold, but not here
  const bool held = !__builtin_mul_overflow(b, o.k, &cells) && !__builtin_mul_overflow(cells, 8, &size);
  if (held && cells >= 1 << 20) return;
  r.ids = call.out<int64_t>(b, o.k);
  r.scores = call.out<float>(b, o.k);
  if (weights) r.weights = call.out<float>(b, o.k);
  if (weights && bytes.one_in(2)) r.lse = call.out<float>(b, 1);
  if (bytes.one_in(2)) r.counts = call.out<int64_t>(b, 1);
  const attnrec_topk_options *asked = bytes.one_in(64) ? nullptr : &o;
  const bool cut = o.size < sizeof(o);  // what is not finite may go unread
  const auto status = call.run(finite || cut, [&](const attnrec_run *run) { return api().topk(q, v, asked, &r, run); });
  if (status != ATTNREC_OK || cut) return;
  for (int64_t i = 0; i < b; ++i) check_row(call, masks, r, i, rows_of(v, n));
  if (!finite || !call.checked()) return;
  const attnrec_precision precisions[] = {ATTNREC_PRECISION_FLOAT32, ATTNREC_PRECISION_INT8};
  for (const attnrec_precision precision : precisions) {
    if (precision == ATTNREC_PRECISION_INT8 && (weights || !items.dense_alone())) continue;
    o.precision = precision;
    call.again([&](const attnrec_run *run) { return api().topk(q, v, &o, &r, run); });
  }
}

void index(const char *name, Bytes &bytes) {
  Call call(name, bytes);
  const int64_t n = extent(bytes), d = extent(bytes);
  const Dense items(bytes, n, d);
  const auto precision = static_cast<attnrec_precision>(bytes.one_in(32) ? 7 : bytes.below(3));
  attnrec_index *made = nullptr;
  attnrec_index **where = bytes.one_in(64) ? nullptr : &made;
  const auto status = call.run(items.finite, [&](const attnrec_run *run) {
    api().index_free(made);
    made = nullptr;
    return api().index_create(&items.view, precision, where, run);
  });
  const int64_t first = extent(bytes), count = extent(bytes);
  const bool fits = count >= 0 && count <= 1000;
  const auto rows = room<float>(fits && n <= 1000 && d >= 0 && d <= 1000 ? count * d : 1);
  const bool sized = fits || count < 0 || count > n;
  if (status == ATTNREC_OK && sized) {
    int64_t n_told = -1, d_told = -1;
    api().index_shape(made, &n_told, &d_told);
    call.require(n_told == n && d_told == d, "an index of another shape");
    const bool inside = first >= 0 && count >= 0 && first <= n && count <= n - first;
    const bool given = api().index_rows(made, first, count, rows.get()) == ATTNREC_OK;
    call.require(given == inside, "rows that are not there, or refused");
    for (int64_t i = 0; given && items.finite && i < count * d; ++i) {
      const float want = items.view.data[(first + i / d) * (n > 1 ? items.view.row_stride : 0) +
                                         i % d * (d > 1 ? items.view.col_stride : 0)];
      call.require(rows[i] == want, "a row that was not given");
    }
  }
  call.require(status != ATTNREC_OK || made != nullptr, "no index");
  api().index_free(made);
}

}  // namespace attnrec_fuzz
