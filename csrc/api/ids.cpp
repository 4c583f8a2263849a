// The part of the C interface that tells outside ids and titles of a model. Border: no kernels, no Python.
#include "../models/model.h"
#include "guarded.h"

namespace attnrec {
namespace {

constexpr const char *kKinds[] = {"no ids", "integers", "text", "JSON"};

const StoredIds &ids_of(const char *op, const attnrec_model &model, attnrec_side side) {
  if (side != ATTNREC_USERS && side != ATTNREC_ITEMS) {
    fail(op, ": side is ", static_cast<int>(side), "; give ATTNREC_USERS or ATTNREC_ITEMS");
  }
  return side == ATTNREC_USERS ? model.outside.users : model.outside.items;
}

void check_row(const char *op, int64_t row, int64_t n) {
  if (row < 0 || row >= n) fail(op, ": row is ", row, ", and the model has rows 0 to ", n - 1);
}

}  // namespace

attnrec_status api_model_id(const attnrec_model *model, attnrec_side side, int64_t row, attnrec_id *id) {
  return guarded([&] {
    const char *op = "model_id";
    if (model == nullptr || id == nullptr) fail(op, ": model or id is missing");
    const StoredIds &ids = ids_of(op, *model, side);
    check_row(op, row, side == ATTNREC_USERS ? model->n_users() : model->n_items());
    *id = ids.of(row);
  });
}

attnrec_status api_model_row(const attnrec_model *model, attnrec_side side, const attnrec_id *id, int64_t *row) {
  return guarded([&] {
    const char *op = "model_row";
    if (model == nullptr || id == nullptr || row == nullptr) fail(op, ": model, id or row is missing");
    const StoredIds &ids = ids_of(op, *model, side);
    const attnrec_id_kind wanted = ids.kind() == ATTNREC_ID_NONE ? ATTNREC_ID_INTEGER : ids.kind();
    if (id->kind != wanted) {
      const bool known = id->kind >= ATTNREC_ID_NONE && id->kind <= ATTNREC_ID_JSON;
      fail(op, ": the ids of these ", side == ATTNREC_USERS ? "users" : "items", " are ", kKinds[wanted],
           ", and kind is ", static_cast<int>(id->kind), known ? " (" : "", known ? kKinds[id->kind] : "",
           known ? ")" : "", "; give ", static_cast<int>(wanted));
    }
    if (id->length < 0 || (id->text == nullptr && id->length > 0)) {
      fail(op, ": id has ", id->length, " bytes of text", id->text == nullptr ? ", and no text" : "");
    }
    *row = ids.find(*id);
  });
}

attnrec_status api_model_item_title(const attnrec_model *model, int64_t row, const char **text, int64_t *length) {
  return guarded([&] {
    const char *op = "model_item_title";
    if (model == nullptr || text == nullptr || length == nullptr) fail(op, ": model, text or length is missing");
    check_row(op, row, model->n_items());
    const std::string_view title = model->outside.titles.any() ? model->outside.titles[row] : std::string_view();
    *text = title.data();
    *length = static_cast<int64_t>(title.size());
  });
}

}  // namespace attnrec
