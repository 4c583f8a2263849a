// The part of the C interface that serves models from their files: checks, then the models. Border: no kernels, no
// Python.
#include <algorithm>
#include <cstring>

#include "../models/model.h"
#include "guarded.h"

namespace attnrec {
namespace {

constexpr const char *kOp = "model_recommend";

// Users asked about, and their histories: none, or sorted and without repeated items.
std::vector<Canonical> check_histories(const attnrec_model &model, const attnrec_csr *x, const Settings &s) {
  std::vector<Canonical> out;
  if (x == nullptr) return out;
  if (x->cols != model.n_items()) {
    fail(kOp, ": histories ", shape(x->rows, x->cols), " have ", x->cols, " columns, and the model has ",
         model.n_items(), " items; give a row a user and a column an item that the model was fitted with");
  }
  if (x->data == nullptr) {
    out = check_pattern({kOp, "histories"}, x, x->rows, x->cols);
  } else {
    const attnrec_operand given{nullptr, x, nullptr};
    check_operand({kOp, "histories"}, &given, false);
    out.emplace_back(ArgumentName{kOp, "histories"}, *x, true);
    const attnrec_operand operand{nullptr, &out.front().csr(), nullptr};
    check_finite({kOp, "histories"}, operand, s.run, s.skip_finite);
  }
  const char *reason = model.refuses(out.front().csr());
  if (reason != nullptr) fail(kOp, ": ", reason);
  return out;
}

// How many users are asked about.
int64_t check_users(const attnrec_model &model, const attnrec_csr *histories, const attnrec_recommend_options &o) {
  if (o.userids == nullptr && histories == nullptr) {
    fail(kOp, ": give histories (b, ", model.n_items(), "), or userids of fitted users, 0 to ", model.n_users() - 1);
  }
  if (o.userids == nullptr) return histories->rows;
  if (o.n_userids < 0 || (histories != nullptr && histories->rows != o.n_userids)) {
    fail(kOp, ": there are ", o.n_userids, " userids for ", histories == nullptr ? 0 : histories->rows,
         " histories; give one for each, -1 for somebody who was not fitted");
  }
  for (int64_t i = 0; i < o.n_userids; ++i) {
    if (o.userids[i] >= (histories == nullptr ? 0 : -1) && o.userids[i] < model.n_users()) continue;
    fail(kOp, ": userids[", i, "] is ", o.userids[i], ", and the model was fitted with users 0 to ",
         model.n_users() - 1, "; give somebody else's history, with -1 or without userids");
  }
  return o.n_userids;
}

}  // namespace

attnrec_status api_model_open(const char *path, attnrec_model **model, const attnrec_run *run) {
  return guarded([&] {
    const char *op = "model_open";
    if (model == nullptr) fail(op, ": model is missing");
    *model = nullptr;
    if (path == nullptr) fail(op, ": path is missing");
    const Settings s = settings_of(op, run);
    *model = open_model(path, s.run, s.skip_finite).release();
  });
}

void api_model_free(attnrec_model *model) { delete model; }

attnrec_status api_model_info(const attnrec_model *model, attnrec_model_info *info) {
  return guarded([&] {
    if (model == nullptr || info == nullptr) fail("model_info: model or info is missing");
    const attnrec_model_info told{info->size,
                                  model->file->model.c_str(),
                                  model->n_users(),
                                  model->n_items(),
                                  model->outside.users.kind(),
                                  model->outside.items.kind(),
                                  model->outside.titles.any() ? 1 : 0};
    std::memcpy(info, &told, std::min(info->size, sizeof(told)));
  });
}

attnrec_status api_model_recommend(const attnrec_model *model, const attnrec_csr *histories,
                                   const attnrec_recommend_options *options, const attnrec_recommend_result *result,
                                   const attnrec_run *run) {
  return guarded([&] {
    if (model == nullptr || options == nullptr || result == nullptr) {
      fail(kOp, ": model, options or result is missing");
    }
    const Settings s = settings_of(kOp, run);
    const auto o = given({kOp, "options"}, options);
    if (o.k < 1) fail(kOp, ": k is ", o.k, "; ask for at least 1 item");
    const auto checked = check_histories(*model, histories, s);
    const attnrec_csr *rows = checked.empty() ? nullptr : &checked.front().csr();
    const int64_t b = check_users(*model, rows, o);
    const attnrec_operand values{nullptr, histories, nullptr};
    const bool any = histories != nullptr && histories->data != nullptr;
    const std::vector<const attnrec_operand *> inputs{any ? &values : nullptr};
    const std::vector<const char *> names{"histories"};
    check_output(kOp, {result->ids, b, o.k, 8, "out.ids"}, inputs, names);
    check_output(kOp, {result->scores, b, o.k, 4, "out.scores"}, inputs, names);
    check_apart(kOp,
                {{result->ids, b, o.k, 8, "out.ids"},
                 {result->scores, b, o.k, 4, "out.scores"},
                 {result->counts, b, 1, 8, "out.counts"}},
                {{o.userids, o.n_userids, 1, 8, "userids"},
                 {o.items, o.n_items, 1, 8, "items"},
                 {o.filter_items, o.n_filter_items, 1, 8, "filter_items"}});
    check_id_range({kOp, "items"}, o.items, o.n_items, model->n_items());
    check_id_range({kOp, "filter_items"}, o.filter_items, o.n_filter_items, model->n_items());
    const auto only = sorted_ids(o.items, o.n_items);
    const auto filter = sorted_ids(o.filter_items, o.n_filter_items);
    Wanted wanted;
    wanted.k = o.k;
    wanted.hide = o.keep_already_liked == 0;
    wanted.clip = o.unclipped == 0;
    wanted.items = o.items == nullptr ? nullptr : &only;
    wanted.filter = o.filter_items == nullptr ? nullptr : &filter;
    recommend(*model, rows, o.userids, b, wanted, {result->ids, result->scores, nullptr, nullptr, result->counts},
              s.run);
  });
}

}  // namespace attnrec
