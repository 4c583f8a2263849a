// A model that serves, and what it is asked. Model: used by api/models.cpp; one estimator a file beside it.
#pragma once
#include <memory>

#include "../io/model_file.h"
#include "dislikes.h"
#include "ids.h"

namespace attnrec {

// Some users.
struct Users {
  attnrec_csr histories;   // (b, items), sorted, no item twice; data null: ones. What is learned from
  const int64_t *userids;  // (b,) rows of the fitted matrix, -1 for nobody; null: nobody
  bool stored;             // the histories are those that they were fitted with
  attnrec_csr seen;        // (b, items), sorted: the histories with what is disliked, by pattern alone

  int64_t count() const { return histories.rows; }
  int64_t id(int64_t i) const { return userids == nullptr ? -1 : userids[i]; }
  int64_t entries() const { return histories.indptr[histories.rows] - histories.indptr[0]; }
};

struct Wanted {
  int64_t k = 0;
  bool hide = true;                              // what the users have seen
  bool clip = true;                              // predicted ratings to the scale of the data
  const std::vector<int32_t> *items = nullptr;   // sorted, unique: the only ones
  const std::vector<int32_t> *filter = nullptr;  // sorted, unique: never these
};

}  // namespace attnrec

struct attnrec_model {
  attnrec_model(std::unique_ptr<attnrec::ModelFile> from, bool has_dislikes)
      : file(std::move(from)), histories(file->rows("histories")),
        dislikes(has_dislikes ? attnrec::Dislikes(*file, histories.csr) : attnrec::Dislikes()),
        outside(*file, n_users(), n_items()) {}
  attnrec_model(const attnrec_model &) = delete;
  virtual ~attnrec_model() = default;

  int64_t n_users() const { return histories.csr.rows; }
  int64_t n_items() const { return histories.csr.cols; }
  // Why it can not recommend from these histories, or null.
  virtual const char *refuses(const attnrec_csr &) const { return nullptr; }
  // Scratch of one user.
  virtual int64_t row_bytes() const = 0;
  // The best items of each user into rows of the result.
  virtual void retrieve(const attnrec::Users &users, const attnrec::Wanted &wanted, const attnrec_topk_result &result,
                        const attnrec::Run &run) const = 0;

  const std::unique_ptr<attnrec::ModelFile> file;
  const attnrec::StoredRows histories;
  const attnrec::Dislikes dislikes;
  const attnrec::Outside outside;
};

namespace attnrec {

using ModelPointer = std::unique_ptr<attnrec_model>;
using FilePointer = std::unique_ptr<ModelFile>;

// Each checks the whole of what it will use.
ModelPointer softmax_model(FilePointer file, const Run &run);
ModelPointer neighbour_model(FilePointer file, const Run &run);
ModelPointer kernel_model(FilePointer file, const Run &run);
ModelPointer regressor_model(FilePointer file, const Run &run);

// Opens a file that model.save(path) wrote; throws Invalid where it is damaged, or its class is not served here.
ModelPointer open_model(const char *path, const Run &run, bool skip_finite);

// The best items of users given by number alone (histories null), by histories, or by both: in blocks that fit the
// memory budget. Arguments have been checked.
void recommend(const attnrec_model &model, const attnrec_csr *histories, const int64_t *userids, int64_t b,
               const Wanted &wanted, const attnrec_topk_result &result, const Run &run);

}  // namespace attnrec
