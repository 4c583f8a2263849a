/* A C99 service that opens models and recommends: flat functions, so that tests can call them. Sees attnrec.h only. */
#include <attnrec/attnrec.h>

static const attnrec_api *api;

ATTNREC_EXPORT void serve_use(const attnrec_api *table) { api = table; }

ATTNREC_EXPORT const char *serve_error(void) { return api->last_error(); }

/* A status; what is opened stands in *model. */
ATTNREC_EXPORT int serve_open(const char *path, attnrec_model **model) {
  return (int)api->model_open(path, model, NULL);
}

ATTNREC_EXPORT void serve_close(attnrec_model *model) { api->model_free(model); }

ATTNREC_EXPORT const char *serve_info(const attnrec_model *model, int64_t *n_users, int64_t *n_items) {
  attnrec_model_info info = {0};
  info.size = sizeof info;
  if (api->model_info(model, &info) != ATTNREC_OK) return NULL;
  *n_users = info.n_users;
  *n_items = info.n_items;
  return info.class_name;
}

/* Null arrays are left out; indptr null: no histories. */
ATTNREC_EXPORT int serve_recommend(const attnrec_model *model, const int64_t *indptr, const int32_t *indices,
                                   const float *data, int64_t b, int64_t n_items, const int64_t *userids, int64_t k,
                                   int keep, int unclipped, const int64_t *items, int64_t n_only, const int64_t *filter,
                                   int64_t n_filter, int num_threads, int64_t memory_budget, int64_t *ids,
                                   float *scores, int64_t *counts) {
  attnrec_csr histories = {0};
  attnrec_recommend_options options = {0};
  attnrec_recommend_result result = {0};
  attnrec_run run = {0};
  histories.indptr = indptr;
  histories.indices = indices;
  histories.data = data;
  histories.rows = b;
  histories.cols = n_items;
  options.size = sizeof options;
  options.k = k;
  options.keep_already_liked = keep;
  options.unclipped = unclipped;
  options.userids = userids;
  options.n_userids = userids == NULL ? 0 : b;
  options.items = items;
  options.n_items = n_only;
  options.filter_items = filter;
  options.n_filter_items = n_filter;
  result.ids = ids;
  result.scores = scores;
  result.counts = counts;
  run.size = sizeof run;
  run.num_threads = num_threads;
  run.memory_budget = memory_budget;
  return (int)api->model_recommend(model, indptr == NULL ? NULL : &histories, &options, &result, &run);
}

/* Outside ids: kind, integer and text as attnrec_id has them. */
ATTNREC_EXPORT int serve_id(const attnrec_model *model, int side, int64_t row, int *kind, int64_t *integer,
                            const char **text, int64_t *length) {
  attnrec_id id = {ATTNREC_ID_NONE, 0, NULL, 0};
  const attnrec_status status = api->model_id(model, (attnrec_side)side, row, &id);
  *kind = (int)id.kind;
  *integer = id.integer;
  *text = id.text;
  *length = id.length;
  return (int)status;
}

ATTNREC_EXPORT int serve_row(const attnrec_model *model, int side, int kind, int64_t integer, const char *text,
                             int64_t length, int64_t *row) {
  attnrec_id id = {ATTNREC_ID_NONE, 0, NULL, 0};
  id.kind = (attnrec_id_kind)kind;
  id.integer = integer;
  id.text = text;
  id.length = length;
  return (int)api->model_row(model, (attnrec_side)side, &id, row);
}

ATTNREC_EXPORT int serve_title(const attnrec_model *model, int64_t row, const char **text, int64_t *length) {
  return (int)api->model_item_title(model, row, text, length);
}

/* Kinds of the ids of users and of items, and whether there are titles. */
ATTNREC_EXPORT int serve_names(const attnrec_model *model, int *users, int *items, int *titles) {
  attnrec_model_info info = {0};
  info.size = sizeof info;
  if (api->model_info(model, &info) != ATTNREC_OK) return 1;
  *users = (int)info.user_ids;
  *items = (int)info.item_ids;
  *titles = info.has_titles;
  return 0;
}
