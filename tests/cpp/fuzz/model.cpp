// The readers of model files and index files under a fuzzer: some bytes steer, the rest are the file, which is opened
// and asked for recommendations. Fuzzing: a consumer of attnrec.h alone.
#include <algorithm>
#include <cstddef>
#include <string>

#include "call.h"
#include "file.h"

namespace {

using namespace attnrec_fuzz;

constexpr std::size_t kSteering = 32;
constexpr int64_t kMost = 4096;       // a model of more items than this wants more memory than a fuzzer has time for
constexpr int64_t kBudget = 1 << 22;  // bytes that a model may make of its file
constexpr char kPath[] = "the file";

const attnrec_api &api() { return *attnrec_get_api(); }

void require_ids(const char *entry, const int64_t *ids, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count; ++i) require(ids[i] >= -1 && ids[i] < n, entry, "an id that no item has");
}

// Gives the header the length that it has, and fills it up to where tensors may begin, so that bytes can come and go
// in its text without the end of every run there. The header is 8 bytes of its length, then an object in JSON.
void mend_model(std::vector<uint8_t> &file) {
  int depth = 0;
  bool text = false;
  std::size_t end = 8;
  for (; end < file.size(); ++end) {
    const uint8_t c = file[end];
    if (text && c == '\\') {
      ++end;
    } else if (c == '"') {
      text = !text;
    } else if (!text && (c == '{' || c == '}')) {
      depth += c == '{' ? 1 : -1;
      if (depth == 0) break;
    }
  }
  if (end >= file.size()) return;
  std::size_t rest = ++end;
  while (rest < file.size() && file[rest] == ' ') ++rest;
  file.erase(file.begin() + static_cast<std::ptrdiff_t>(end), file.begin() + static_cast<std::ptrdiff_t>(rest));
  file.insert(file.begin() + static_cast<std::ptrdiff_t>(end), (8 - end % 8) % 8, ' ');
  const uint64_t length = (end + 7) / 8 * 8 - 8;
  std::memcpy(file.data(), &length, sizeof(length));
}

// Gives the header the size and the sum that it has to have: FNV-1a of the 120 bytes before.
void mend_index(std::vector<uint8_t> &file) {
  constexpr std::size_t size_at = 32, sum_at = 120;
  if (file.size() < sum_at + 8) return;
  const uint64_t size = file.size();
  std::memcpy(file.data() + size_at, &size, sizeof(size));
  uint64_t sum = 0xCBF29CE484222325;
  for (std::size_t i = 0; i < sum_at; ++i) sum = (sum ^ file[i]) * 0x100000001B3;
  std::memcpy(file.data() + sum_at, &sum, sizeof(sum));
}

void recommend(Bytes &bytes, const attnrec_model *model, const attnrec_model_info &info) {
  Call call("model_recommend", bytes);
  const int64_t b = bytes.below(4);
  const auto histories =
      bytes.one_in(4) ? nullptr : std::make_unique<Sparse>(bytes, b, about(bytes, info.n_items), bytes.one_in(2));
  const auto userids = ids_below(bytes, info.n_users), only = ids_below(bytes, info.n_items);
  const auto filter = ids_below(bytes, info.n_items);
  attnrec_recommend_options o{};
  o.size = bytes.one_in(32) ? static_cast<std::size_t>(bytes.below(88)) : sizeof(o);
  o.k = bytes.below(12);
  const int64_t given = bytes.below(32);
  o.keep_already_liked = static_cast<int>(given & 1);
  if (histories == nullptr || (given & 2) != 0) {
    o.userids = userids.data();
    o.n_userids = histories == nullptr ? static_cast<int64_t>(userids.size()) : b;
    if (histories != nullptr && static_cast<int64_t>(userids.size()) < b) o.userids = nullptr, o.n_userids = 0;
  }
  o.unclipped = static_cast<int>(given & 16);
  if ((given & 4) != 0) o.items = only.data(), o.n_items = static_cast<int64_t>(only.size());
  if ((given & 8) != 0) o.filter_items = filter.data(), o.n_filter_items = static_cast<int64_t>(filter.size());
  const bool counted = o.size > offsetof(attnrec_recommend_options, n_userids);  // a size may end before
  const int64_t users = histories != nullptr ? b : counted ? o.n_userids : 0;
  attnrec_recommend_result r{};
  r.ids = call.out<int64_t>(users, o.k);
  r.scores = call.out<float>(users, o.k);
  r.counts = call.out<int64_t>(users, 1);
  const attnrec_csr *rows = histories == nullptr ? nullptr : histories->get();
  const bool finite = histories == nullptr || histories->finite;
  const auto status =
      call.run(finite, [&](const attnrec_run *run) { return api().model_recommend(model, rows, &o, &r, run); });
  if (status != ATTNREC_OK || o.size < sizeof(o)) return;
  require_ids("model_recommend", r.ids, users * o.k, info.n_items);
  for (int64_t i = 0; i < users; ++i) {
    call.require(r.counts[i] >= 0 && r.counts[i] <= o.k, "a count that can not be");
    for (int64_t c = 0; c < o.k; ++c) call.require((r.ids[i * o.k + c] >= 0) == (c < r.counts[i]), "a wrong count");
  }
}

void require_text(const char *entry, const char *text, int64_t length) {
  require(length >= 0 && (text != nullptr || length == 0), entry, "a text without bytes");
  unsigned sum = 0;  // every byte is read
  for (int64_t i = 0; i < length; ++i) sum += static_cast<unsigned char>(text[i]);
  require(length == 0 || sum < 256U * static_cast<unsigned>(length), entry, "a text of more than its bytes");
}

// Every id leads back to its row, and what is drawn to a row or nowhere.
void ask_names(Bytes &bytes, const attnrec_model *model, const attnrec_model_info &info) {
  for (const attnrec_side side : {ATTNREC_USERS, ATTNREC_ITEMS}) {
    const int64_t n = side == ATTNREC_USERS ? info.n_users : info.n_items;
    const attnrec_id_kind kind = side == ATTNREC_USERS ? info.user_ids : info.item_ids;
    attnrec_id id{};
    int64_t row = 0;
    for (int64_t i = 0; i < std::min(n, kMost); ++i) {
      require(api().model_id(model, side, i, &id) == ATTNREC_OK, "model_id", "refuses a row");
      require_text("model_id", id.text, id.length);
      if (id.kind == ATTNREC_ID_NONE) continue;
      require(kind == ATTNREC_ID_NONE ? id.kind == ATTNREC_ID_INTEGER : id.kind == kind, "model_id", "another kind");
      const bool found = api().model_row(model, side, &id, &row) == ATTNREC_OK;
      require(found && row == i, "model_row", "does not lead back");
    }
    const int64_t wild = about(bytes, n);
    const bool there = api().model_id(model, side, wild, &id) == ATTNREC_OK;
    require(there == (wild >= 0 && wild < n), "model_id", "a row that is not there, or refused");
    const std::string text(static_cast<std::size_t>(bytes.below(5)), static_cast<char>(bytes.raw<uint8_t>()));
    id = {static_cast<attnrec_id_kind>(bytes.below(5)), bytes.raw<int64_t>(), text.data(), bytes.below(6) - 1};
    id.length = std::min(id.length, static_cast<int64_t>(text.size()));
    const auto status = api().model_row(model, side, &id, &row);
    require(status == ATTNREC_OK || status == ATTNREC_INVALID, "model_row", api().last_error());
    require(status != ATTNREC_OK || (row >= -1 && row < n), "model_row", "a row that nobody has");
  }
  for (int64_t i = 0; i < std::min(info.n_items, kMost); ++i) {
    const char *title = nullptr;
    int64_t length = -1;
    require(api().model_item_title(model, i, &title, &length) == ATTNREC_OK, "model_item_title", "refuses an item");
    require_text("model_item_title", title, length);
  }
}

void open_model(Bytes &bytes) {
  attnrec_run run{};
  run.size = sizeof(run);
  run.num_threads = 1;
  run.memory_budget = kBudget;
  run.skip_finite_check = bytes.one_in(16);
  attnrec_model *model = nullptr;
  const attnrec_status status = api().model_open(kPath, &model, &run);
  require(status == ATTNREC_OK || status == ATTNREC_INVALID, "model_open", api().last_error());
  require((status == ATTNREC_OK) == (model != nullptr), "model_open", "a model and a failure, or neither");
  if (model == nullptr) return;
  attnrec_model_info info{};
  info.size = sizeof(info);
  require(api().model_info(model, &info) == ATTNREC_OK, "model_info", "refuses a model");
  if (info.n_items <= kMost) recommend(bytes, model, info);
  ask_names(bytes, model, info);
  api().model_free(model);
}

void search(Bytes &bytes, const attnrec_index *index, const attnrec_index_info &info) {
  attnrec_topk_options o{};
  o.size = sizeof(o);
  o.k = 1 + bytes.below(12);
  o.scale = 1;
  o.precision = static_cast<attnrec_precision>(bytes.below(3));
  const Dense queries(bytes, bytes.below(4), info.d);
  const auto rows = queries.view.rows;
  std::vector<int64_t> ids(static_cast<std::size_t>(rows * o.k)), counts(static_cast<std::size_t>(rows));
  std::vector<float> scores(ids.size());
  attnrec_topk_result r{};
  r.ids = ids.data();
  r.scores = scores.data();
  r.counts = counts.data();
  attnrec_run run{};
  run.size = sizeof(run);
  run.num_threads = 1;
  const attnrec_operand q{&queries.view, nullptr, nullptr}, items{nullptr, nullptr, index};
  const attnrec_status status = api().topk(&q, &items, &o, &r, &run);
  require(status == ATTNREC_OK || status == ATTNREC_INVALID, "topk", api().last_error());
  if (status == ATTNREC_OK) require_ids("topk", ids.data(), static_cast<int64_t>(ids.size()), info.n);
  std::vector<float> part(static_cast<std::size_t>(info.d));
  const int64_t first = bytes.below(8);
  const bool given = api().index_rows(index, first, 1, part.data()) == ATTNREC_OK;
  require(given == (first < info.n), "index_rows", "rows that are not there, or refused");
}

void open_index(Bytes &bytes) {
  attnrec_index *index = nullptr;
  const attnrec_status status = api().index_open(kPath, static_cast<int>(bytes.below(2)), &index);
  require(status == ATTNREC_OK || status == ATTNREC_INVALID, "index_open", api().last_error());
  require((status == ATTNREC_OK) == (index != nullptr), "index_open", "an index and a failure, or neither");
  if (index == nullptr) return;
  attnrec_index_info info{};
  info.size = sizeof(info);
  require(api().index_info(index, &info) == ATTNREC_OK, "index_info", "refuses an index");
  for (int64_t i = 0; info.ids != nullptr && i < info.n; ++i) {
    require(info.by_id[i] >= 0 && info.by_id[i] < info.n && info.ids[i] >= 0, "index_info", "names that are none");
  }
  if (info.d <= kMost && info.n <= kMost) search(bytes, index, info);
  api().index_free(index);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
  const std::size_t steering = std::min(size, kSteering);
  Bytes bytes(data, steering);
  std::vector<uint8_t> &file = the_file();
  file.assign(data + steering, data + size);
  const bool is_index = size >= steering + 8 && std::memcmp(file.data(), "ATTNRIDX", 8) == 0;
  if (!bytes.one_in(4)) (is_index ? mend_index : mend_model)(file);
  (is_index ? open_index : open_model)(bytes);
  return 0;
}
