// Reads ids and titles of a model file; what is not sorted in it is put in order once. Model: knows no estimator.
#include "ids.h"

#include <algorithm>

#include "../io/json.h"

namespace attnrec {
namespace {

constexpr std::string_view kNameless = "null";  // in JSON: a row that was added without an id

bool well_formed(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text, true);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

attnrec_id_kind kind_of(const ModelFile &file, const std::string &key) {
  bool any = file.says(key.c_str());
  for (const char *part : {".numbers", ".text", ".ends"}) any = any || file.has(key + part);
  if (!any) return ATTNREC_ID_NONE;
  const std::string word = file.word(key.c_str(), {"integers", "texts", "json"});
  return word == "integers" ? ATTNREC_ID_INTEGER : word == "texts" ? ATTNREC_ID_TEXT : ATTNREC_ID_JSON;
}

attnrec_id text_id(attnrec_id_kind kind, std::string_view text) {
  return {kind, 0, text.data(), static_cast<int64_t>(text.size())};
}

}  // namespace

StoredTexts::StoredTexts(const ModelFile &file, const std::string &key, int64_t n) {
  const std::string_view whole = file.bytes(key + ".text");
  ends_ = file.integers(key + ".ends", {n});
  bytes_ = whole.data();
  int64_t at = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (ends_[i] < at || ends_[i] > static_cast<int64_t>(whole.size())) {
      file.tensors.refuse("is damaged: text ", i, " of its ", key, " ends at byte ", ends_[i], " of ", whole.size());
    }
    if (!well_formed(whole.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(ends_[i] - at)))) {
      file.tensors.refuse("is damaged: text ", i, " of its ", key, " is not UTF-8");
    }
    at = ends_[i];
  }
  if (at != static_cast<int64_t>(whole.size())) {
    file.tensors.refuse("is damaged: its ", key, " end at byte ", at, " of ", whole.size());
  }
}

std::string_view StoredTexts::operator[](int64_t i) const {
  const int64_t begin = i == 0 ? 0 : ends_[i - 1];
  return {bytes_ + begin, static_cast<std::size_t>(ends_[i] - begin)};
}

StoredIds::StoredIds(const ModelFile &file, const std::string &key, int64_t n) : n_(n), kind_(kind_of(file, key)) {
  if (kind_ == ATTNREC_ID_NONE) return;
  if (kind_ == ATTNREC_ID_INTEGER) {
    numbers_ = file.integers(key + ".numbers", {n});
  } else {
    texts_ = StoredTexts(file, key, n);
  }
  for (int64_t row = 1; row < n && rises_; ++row) rises_ = before(row - 1, row);
  if (!rises_) put_in_order(file, key);
}

bool StoredIds::nameless(int64_t row) const { return kind_ == ATTNREC_ID_JSON && texts_[row] == kNameless; }

bool StoredIds::before(int64_t a, int64_t b) const {
  return kind_ == ATTNREC_ID_INTEGER ? numbers_[a] < numbers_[b] : texts_[a] < texts_[b];
}

void StoredIds::put_in_order(const ModelFile &file, const std::string &key) {
  for (int64_t row = 0; row < n_; ++row) {
    if (!nameless(row)) order_.push_back(static_cast<int32_t>(row));
  }
  std::sort(order_.begin(), order_.end(), [&](int32_t a, int32_t b) { return before(a, b); });
  for (std::size_t i = 1; i < order_.size(); ++i) {
    if (!before(order_[i - 1], order_[i])) {
      file.tensors.refuse("is damaged: rows ", order_[i - 1], " and ", order_[i], " of its ", key, " have the same id");
    }
  }
}

attnrec_id StoredIds::of(int64_t row) const {
  if (kind_ == ATTNREC_ID_NONE) return {ATTNREC_ID_INTEGER, row, nullptr, 0};
  if (kind_ == ATTNREC_ID_INTEGER) return {ATTNREC_ID_INTEGER, numbers_[row], nullptr, 0};
  if (nameless(row)) return {ATTNREC_ID_NONE, 0, nullptr, 0};
  return text_id(kind_, texts_[row]);
}

int64_t StoredIds::find(const attnrec_id &id) const {
  if (kind_ == ATTNREC_ID_NONE) return id.integer >= 0 && id.integer < n_ ? id.integer : -1;
  const std::string_view text(id.text == nullptr ? "" : id.text, static_cast<std::size_t>(id.length));
  if (kind_ == ATTNREC_ID_JSON && text == kNameless) return -1;
  int64_t first = 0;
  int64_t last = rises_ ? n_ : static_cast<int64_t>(order_.size());
  const auto row_at = [&](int64_t i) { return rises_ ? i : order_[static_cast<std::size_t>(i)]; };
  while (first < last) {  // the first that is not before it
    const int64_t middle = first + (last - first) / 2;
    const int64_t row = row_at(middle);
    const bool less = kind_ == ATTNREC_ID_INTEGER ? numbers_[row] < id.integer : texts_[row] < text;
    (less ? first : last) = less ? middle + 1 : middle;
  }
  if (first == (rises_ ? n_ : static_cast<int64_t>(order_.size()))) return -1;
  const int64_t row = row_at(first);
  const bool same = kind_ == ATTNREC_ID_INTEGER ? numbers_[row] == id.integer : texts_[row] == text;
  return same ? row : -1;
}

Outside::Outside(const ModelFile &file, int64_t n_users, int64_t n_items)
    : users(file, "user ids", n_users), items(file, "item ids", n_items) {
  if (users.kind() == ATTNREC_ID_NONE || items.kind() == ATTNREC_ID_NONE) {  // as Python reads it
    users.leave_out();
    items.leave_out();
  }
  const std::string key = "item titles";
  if (kind_of(file, key) == ATTNREC_ID_NONE) return;
  file.word(key.c_str(), {"texts"});
  titles = StoredTexts(file, key, n_items);
}

}  // namespace attnrec
