/* A C99 service in miniature: takes the table, computes, and says what was wrong. Sees attnrec.h only. */
#include <attnrec/attnrec.h>

static const float users[5][5] = {{1, 0, 0, 0, 0}, {1, 1, 0, 0, 0}, {1, 1, 1, 0, 0}, {1, 0, 0, 0, 0}, {1, 0, 0, 0, 0}};
static const float items[5][5] = {{1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 0, 1}};

static int close_to(float got, double want) { return got > want - 1e-6 && got < want + 1e-6; }

static attnrec_matrix square(const float *data) {
  attnrec_matrix m;
  m.data = data;
  m.rows = m.cols = m.row_stride = 5;
  m.col_stride = 1;
  return m;
}

static attnrec_operand dense(const attnrec_matrix *m) {
  attnrec_operand x = {NULL, NULL, NULL};
  x.dense = m;
  return x;
}

static const char *use_attention(const attnrec_api *api, const attnrec_operand *q, const attnrec_operand *v) {
  float a[25];
  if (api->attention_matrix(q, v, ATTNREC_DOT, 1.0F, NULL, a, NULL) != ATTNREC_OK) return api->last_error();
  if (!close_to(a[5], 0.322202) || !close_to(a[6], 0.322202) || !close_to(a[7], 0.118532)) return "attention differs";
  return NULL;
}

static const char *use_topk(const attnrec_api *api, const attnrec_operand *q, const attnrec_operand *v) {
  /* user 0 may not see item 0: what is left scores 0, so ids go up */
  static const int64_t indptr[] = {0, 1, 1, 1, 1, 1};
  static const int32_t indices[] = {0};
  attnrec_csr exclude = {indptr, indices, NULL, 5, 5};
  attnrec_topk_options options = {0};
  attnrec_topk_result result = {0};
  int64_t ids[10], counts[5];
  float scores[10], weights[10], lse[5];
  options.size = sizeof options;
  options.k = 2;
  options.scale = 1.0F;
  options.exclude = &exclude;
  result.ids = ids;
  result.scores = scores;
  result.weights = weights;
  result.lse = lse;
  result.counts = counts;
  if (api->topk(q, v, &options, &result, NULL) != ATTNREC_OK) return api->last_error();
  if (ids[0] != 1 || ids[1] != 2 || scores[0] != 0.0F) return "topk showed an excluded item, or not the lowest id";
  if (ids[2] != 0 || ids[3] != 1 || !close_to(weights[2], 0.322202)) return "topk of user 1 differs";
  if (counts[0] != 2) return "topk counts differ";
  options.k = 0;
  if (api->topk(q, v, &options, &result, NULL) != ATTNREC_INVALID) return "k = 0 was taken";
  if (api->last_error() == NULL || api->last_error()[0] == '\0') return "k = 0 was refused without a word";
  return NULL;
}

static const char *use_index(const attnrec_api *api, const attnrec_matrix *m, const attnrec_operand *q) {
  attnrec_index *index = NULL;
  attnrec_operand packed = {NULL, NULL, NULL};
  int64_t n = 0, d = 0;
  float row[5];
  const char *wrong = NULL;
  if (api->index_create(m, ATTNREC_PRECISION_AUTO, &index, NULL) != ATTNREC_OK) return api->last_error();
  api->index_shape(index, &n, &d);
  packed.index = index;
  if (n != 5 || d != 5) wrong = "index_shape differs";
  if (wrong == NULL && (api->index_rows(index, 3, 1, row) != ATTNREC_OK || row[3] != 1.0F || row[2] != 0.0F)) {
    wrong = "index_rows differs";
  }
  if (wrong == NULL) wrong = use_attention(api, q, &packed);
  api->index_free(index);
  api->index_free(NULL);
  return wrong;
}

/* One target a user: the loss is (3 log(e + 4) + log(2 e + 3) + log(3 e + 2) - 3) / 5; then a step down its gradient.
 */
static const char *use_training(const attnrec_api *api, const attnrec_matrix *q, const attnrec_matrix *v) {
  static const int64_t indptr[] = {0, 1, 2, 3, 4, 5};
  static const int32_t indices[] = {0, 1, 2, 3, 4};
  static const float ones[] = {1, 1, 1, 1, 1};
  attnrec_csr targets = {indptr, indices, ones, 5, 5};
  attnrec_cross_entropy_options options = {0};
  attnrec_cross_entropy_result result = {0};
  attnrec_adam_options adam = {0};
  float d_queries[25], d_items[25], x[25] = {0}, first[25] = {0}, second[25] = {0};
  double loss = 0;
  options.size = sizeof options;
  options.scale = options.lse_weight = 1.0F;
  result.loss = &loss;
  result.d_queries = d_queries;
  result.d_items = d_items;
  if (api->softmax_cross_entropy(q, v, &targets, &options, &result, NULL) != ATTNREC_OK) return api->last_error();
  if (!close_to((float)loss, 1.433005) || !close_to(d_queries[0], -0.119078)) return "the loss or its gradient differs";
  adam.size = sizeof adam;
  adam.step = 1;
  adam.learning_rate = 0.5;
  adam.beta1 = 0.9;
  adam.beta2 = 0.999;
  if (api->adam_step(x, d_queries, first, second, 25, &adam, NULL) != ATTNREC_OK) return api->last_error();
  if (!close_to(x[0], 0.5)) return "the first step of Adam is not the learning rate";
  result.d_items = NULL;
  if (api->softmax_cross_entropy(q, v, &targets, &options, &result, NULL) != ATTNREC_INVALID) return "half was taken";
  return NULL;
}

/* What only C can get wrong: all of it is refused with a message. */
static const char *use_wrongly(const attnrec_api *api, const attnrec_operand *q, const attnrec_operand *v) {
  static const float many[1 << 16];
  const attnrec_matrix long_one = {many, 1 << 13, 8, 8, 1};
  const attnrec_operand items = dense(&long_one), none = {NULL, NULL, NULL};
  attnrec_topk_options options = {0};
  attnrec_topk_result result = {0};
  attnrec_run run = {0};
  int64_t ids[5];
  float scores[5];
  options.size = sizeof options;
  options.k = 1;
  result.ids = ids;
  result.scores = scores;
  if (api->topk(NULL, &items, &options, &result, NULL) != ATTNREC_INVALID) return "no queries were taken";
  if (api->topk(&none, &items, &options, &result, NULL) != ATTNREC_INVALID) return "queries in no form were taken";
  options.size = offsetof(attnrec_topk_options, item_bias) + 4;
  if (api->topk(q, v, &options, &result, NULL) != ATTNREC_INVALID) return "half a pointer was taken";
  run.size = 12;
  options.size = sizeof options;
  if (api->topk(q, v, &options, &result, &run) != ATTNREC_INVALID) return "a wrong size was taken";
  if (api->index_rows(NULL, 0, 1, scores) != ATTNREC_INVALID) return "no index was taken";
  return NULL;
}

/* Strides: of axes that are not longer than 1, and of matrices without elements, any will do; else they have to lead to
 * memory. */
static const char *use_strides(const attnrec_api *api, const attnrec_operand *q, const attnrec_operand *v) {
  attnrec_matrix away = square(users[0]), one = square(users[1]), empty = square(NULL);
  const attnrec_operand far = dense(&away), row = dense(&one), nothing = dense(&empty);
  float got[25], want[25];
  int i;
  away.row_stride = INT64_MAX / 8;
  if (api->similarity(&far, v, ATTNREC_DOT, 1.0F, got, NULL) != ATTNREC_INVALID)
    return "strides past memory were taken";
  if (api->similarity(v, &far, ATTNREC_DOT, 1.0F, got, NULL) != ATTNREC_INVALID)
    return "strides past memory were taken";
  away.row_stride = 5;
  away.col_stride = INT64_MIN;
  if (api->similarity(&far, v, ATTNREC_DOT, 1.0F, got, NULL) != ATTNREC_INVALID)
    return "strides past memory were taken";
  one.rows = 1;
  one.row_stride = INT64_MIN;
  if (api->similarity(q, v, ATTNREC_DOT, 1.0F, want, NULL) != ATTNREC_OK) return api->last_error();
  if (api->similarity(&row, v, ATTNREC_DOT, 1.0F, got, NULL) != ATTNREC_OK) return api->last_error();
  for (i = 0; i < 5; ++i) {
    if (got[i] != want[5 + i]) return "one row differs by its stride";
  }
  empty.cols = 0;
  empty.row_stride = INT64_MAX;
  if (api->attend(q, v, &nothing, 1.0F, NULL, NULL, NULL, got, NULL) != ATTNREC_OK) return api->last_error();
  return NULL;
}

static const char *search_wrongly(const attnrec_api *api, const attnrec_matrix *v) {
  attnrec_index *index = NULL;
  attnrec_searcher *searcher = NULL;
  attnrec_topk_options options = {0};
  attnrec_status status;
  options.size = offsetof(attnrec_topk_options, item_bias) + 4;
  options.k = 1;
  options.scale = 1.0F;
  if (api->index_create(v, ATTNREC_PRECISION_AUTO, &index, NULL) != ATTNREC_OK) return api->last_error();
  status = api->searcher_create(index, &options, &searcher, NULL);
  api->searcher_free(searcher);
  api->index_free(index);
  return status == ATTNREC_INVALID ? NULL : "half a pointer was taken by a searcher";
}

/* NULL when all is well, else what is not. */
ATTNREC_EXPORT const char *consume(const attnrec_api *api) {
  const attnrec_matrix u = square(users[0]), v = square(items[0]);
  const attnrec_operand q = dense(&u), k = dense(&v);
  const char *wrong;
  if (api->abi_version != ATTNREC_ABI_VERSION) return "built against another ABI";
  if (api->size < sizeof(attnrec_api)) return "the library is older than the header";
  if (api->isa() == NULL || api->version() == NULL || api->num_threads() < 1 || api->processors() < 1)
    return "the library does not know itself";
  wrong = use_attention(api, &q, &k);
  if (wrong == NULL) wrong = use_topk(api, &q, &k);
  if (wrong == NULL) wrong = use_index(api, &v, &q);
  if (wrong == NULL) wrong = use_training(api, &u, &v);
  if (wrong == NULL) wrong = use_wrongly(api, &q, &k);
  if (wrong == NULL) wrong = use_strides(api, &q, &k);
  if (wrong == NULL) wrong = search_wrongly(api, &v);
  return wrong;
}
