/* Recommends from C: opens a model that Python saved, and prints the best items for a history, or for a user.
 *
 *     recommend model.safetensors 5 heat alien ran        the 5 best for somebody who used these items
 *     recommend model.safetensors 5 heat=4 alien=5 ran=1  the same for a model of ratings, which wants to know them
 *     recommend model.safetensors 5 --user ann            the 5 best for a user that the model was fitted with
 *
 * Users and items go by the ids of the Interactions that the model was fitted with; by their numbers if it was fitted
 * with a matrix, which has none. A line has the id, the score, and the title if the file has any.
 */
#include <attnrec/attnrec.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One function is exported, and gives the table of all others. */
static const attnrec_api *api;

static int failed(const char *what) {
  fprintf(stderr, "recommend: %s\n", what);
  return 1;
}

/* The id that `length` characters stand for: a whole number where ids are integers, or rows; else the text itself. */
static int read_id(const char *text, size_t length, attnrec_id_kind kind, attnrec_id *id) {
  char *end = NULL;
  id->kind = kind == ATTNREC_ID_NONE ? ATTNREC_ID_INTEGER : kind;
  id->text = text;
  id->length = (int64_t)length;
  id->integer = 0;
  if (id->kind != ATTNREC_ID_INTEGER) return 1;
  errno = 0;
  id->integer = strtoll(text, &end, 10);
  return end == text + length && length > 0 && errno == 0;
}

/* The row of a user or an item; -1 after a message. */
static int64_t row_of(const attnrec_model *model, attnrec_side side, attnrec_id_kind kind, const char *text,
                      size_t length) {
  attnrec_id id;
  int64_t row = -1;
  if (!read_id(text, length, kind, &id)) {
    failed("ids of this model are whole numbers; an item may have a rating, as in 12=4.5");
  } else if (api->model_row(model, side, &id, &row) != ATTNREC_OK) {
    failed(api->last_error());
  } else if (row < 0) {
    fprintf(stderr, "recommend: no %s has the id %.*s\n", side == ATTNREC_USERS ? "user" : "item", (int)length, text);
  }
  return row;
}

/* "heat" or "heat=4.5" */
static int read_entry(const attnrec_model *model, const attnrec_model_info *info, const char *text, int32_t *item,
                      float *rating) {
  const char *equals = strrchr(text, '=');
  char *end = NULL;
  *rating = 1.0F;
  if (equals != NULL) {
    *rating = strtof(equals + 1, &end);
    if (end == equals + 1 || *end != '\0') return !failed("a rating is a number, as in 12=4.5");
  }
  *item = (int32_t)row_of(model, ATTNREC_ITEMS, info->item_ids, text,
                          equals == NULL ? strlen(text) : (size_t)(equals - text));
  return *item >= 0;
}

static int print_item(const attnrec_model *model, int64_t row, float score) {
  attnrec_id id;
  const char *title = NULL;
  int64_t length = 0;
  if (api->model_id(model, ATTNREC_ITEMS, row, &id) != ATTNREC_OK) return failed(api->last_error());
  if (api->model_item_title(model, row, &title, &length) != ATTNREC_OK) return failed(api->last_error());
  if (id.kind == ATTNREC_ID_INTEGER) {
    printf("%lld", (long long)id.integer);
  } else {
    printf("%.*s", (int)id.length, id.text == NULL ? "" : id.text);
  }
  printf(" %.9g", (double)score);
  if (length > 0) printf(" %.*s", (int)length, title);
  printf("\n");
  return 0;
}

/* All of it lies in memory of the caller: a row of h items or the number of a user, and room for k items. */
static int recommend(const attnrec_model *model, const attnrec_csr *histories, const int64_t *user, int64_t k) {
  attnrec_recommend_options options = {0}; /* zeros are the defaults */
  attnrec_recommend_result result = {0};
  int64_t found = 0, i;
  int64_t *rows = malloc((size_t)k * sizeof *rows);
  float *scores = malloc((size_t)k * sizeof *scores);
  int status = 0;

  options.size = sizeof options; /* so that a newer library knows which fields this program has */
  options.k = k;
  options.userids = user;
  options.n_userids = user == NULL ? 0 : 1;
  result.ids = rows;
  result.scores = scores;
  result.counts = &found;
  if (rows == NULL || scores == NULL) {
    status = failed("not enough memory");
  } else if (api->model_recommend(model, histories, &options, &result, NULL) != ATTNREC_OK) {
    status = failed(api->last_error());
  }
  for (i = 0; i < found && status == 0; ++i) status = print_item(model, rows[i], scores[i]);
  free(rows);
  free(scores);
  return status;
}

static int from_history(const attnrec_model *model, const attnrec_model_info *info, char **texts, int h, int64_t k) {
  attnrec_csr histories = {0};
  int64_t indptr[2] = {0, 0};
  int32_t *items = malloc((size_t)(h + 1) * sizeof *items);
  float *ratings = malloc((size_t)(h + 1) * sizeof *ratings);
  int i, status = 0;

  if (items == NULL || ratings == NULL) status = failed("not enough memory");
  for (i = 0; i < h && status == 0; ++i) status = !read_entry(model, info, texts[i], &items[i], &ratings[i]);
  indptr[1] = h;
  histories.indptr = indptr;
  histories.indices = items;
  histories.data = ratings;
  histories.rows = 1;
  histories.cols = info->n_items;
  if (status == 0) status = recommend(model, &histories, NULL, k);
  free(items);
  free(ratings);
  return status;
}

int main(int argc, char **argv) {
  attnrec_model *model = NULL;
  attnrec_model_info info = {0};
  char *end = NULL;
  long k = argc > 2 ? strtol(argv[2], &end, 10) : 0;
  int status = 0;

  if (k < 1 || k > INT32_MAX || *end != '\0') {
    return failed("call it as: recommend MODEL NUMBER [ITEM or ITEM=RATING ... or --user ID]");
  }
  api = attnrec_get_api();
  if (api->size < sizeof(attnrec_api)) return failed("the library is older than the header that this was built with");
  if (api->model_open(argv[1], &model, NULL) != ATTNREC_OK) return failed(api->last_error());
  info.size = sizeof info;
  if (api->model_info(model, &info) != ATTNREC_OK) {
    status = failed(api->last_error());
  } else if (argc == 5 && strcmp(argv[3], "--user") == 0) {
    const int64_t user = row_of(model, ATTNREC_USERS, info.user_ids, argv[4], strlen(argv[4]));
    status = user < 0 ? 1 : recommend(model, NULL, &user, k);
  } else {
    status = from_history(model, &info, argv + 3, argc - 3, k);
  }
  api->model_free(model);
  return status;
}
