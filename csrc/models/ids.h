// What a model file calls its users and items outside: ids and titles where they lie in it, checked, and found by a
// search. Model: knows no estimator.
#pragma once
#include <attnrec/attnrec.h>

#include <string>
#include <string_view>
#include <vector>

#include "../io/model_file.h"

namespace attnrec {

// Texts in UTF-8, one after the other. A lone surrogate counts as a character, since a Python string may hold one.
class StoredTexts {
 public:
  StoredTexts() = default;
  StoredTexts(const ModelFile &file, const std::string &key, int64_t n);
  bool any() const { return ends_ != nullptr; }
  std::string_view operator[](int64_t i) const;

 private:
  const char *bytes_ = nullptr;
  const int64_t *ends_ = nullptr;  // (n,) in bytes
};

// The ids of one side by row, or the rows themselves where the file has none.
class StoredIds {
 public:
  StoredIds(const ModelFile &file, const std::string &key, int64_t n);
  void leave_out() { kind_ = ATTNREC_ID_NONE; }
  attnrec_id_kind kind() const { return kind_; }  // NONE: the file has none
  attnrec_id of(int64_t row) const;
  int64_t find(const attnrec_id &id) const;  // its row, -1: nobody's; of the kind of the ids

 private:
  bool nameless(int64_t row) const;
  bool before(int64_t a, int64_t b) const;
  void put_in_order(const ModelFile &file, const std::string &key);

  int64_t n_;
  attnrec_id_kind kind_ = ATTNREC_ID_NONE;
  const int64_t *numbers_ = nullptr;
  StoredTexts texts_;
  bool rises_ = true;           // from row to row, as the ids of Interactions do
  std::vector<int32_t> order_;  // else the rows that have one, by id
};

struct Outside {
  Outside(const ModelFile &file, int64_t n_users, int64_t n_items);

  StoredIds users, items;
  StoredTexts titles;  // of items; an empty one stands for none
};

}  // namespace attnrec
