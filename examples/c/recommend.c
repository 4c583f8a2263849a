/* Recommends from C: opens a model that Python saved, and prints the best items for a history.
 *
 *     recommend model.safetensors 5 12 7 31        the 5 best for somebody who used items 12, 7 and 31
 *     recommend model.safetensors 5 12=4 7=5 31=1  the same for a model of ratings, which wants to know them
 *
 * Items are numbered as in the matrix that the model was fitted with.
 */
#include <attnrec/attnrec.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* One function is exported, and gives the table of all others. */
static const attnrec_api *api;

static int failed(const char *what) {
  fprintf(stderr, "recommend: %s\n", what);
  return 1;
}

/* A whole number from 0 on, such as an item; -1 for anything else. Moves `text` behind it. */
static long whole(char **text) {
  char *end = *text;
  long value;
  errno = 0;
  value = strtol(*text, &end, 10);
  if (end == *text || errno != 0 || value < 0 || value > INT32_MAX) return -1;
  *text = end;
  return value;
}

/* "12" or "12=4.5" */
static int read_entry(char *text, int32_t *item, float *rating) {
  const long value = whole(&text);
  char *end = text;
  *item = (int32_t)value;
  *rating = 1.0F;
  if (*text == '=') {
    *rating = strtof(text + 1, &end);
    if (end == text + 1) return 0;
  }
  return value >= 0 && *end == '\0';
}

/* All of it lies in memory of the caller: one row of h items, and room for k of them. */
static int recommend(const attnrec_model *model, const int32_t *items, const float *ratings, int64_t h, int64_t k) {
  attnrec_model_info info = {0};
  attnrec_csr histories = {0};
  attnrec_recommend_options options = {0}; /* zeros are the defaults */
  attnrec_recommend_result result = {0};
  const int64_t indptr[2] = {0, h};
  int64_t found = 0, i;
  int64_t *ids = malloc((size_t)k * sizeof *ids);
  float *scores = malloc((size_t)k * sizeof *scores);
  int status = 1;

  info.size = sizeof info; /* so that a newer library knows which fields this program has */
  options.size = sizeof options;
  options.k = k;
  result.ids = ids;
  result.scores = scores;
  result.counts = &found;
  if (ids == NULL || scores == NULL) {
    failed("not enough memory");
  } else if (api->model_info(model, &info) != ATTNREC_OK) {
    failed(api->last_error());
  } else {
    histories.indptr = indptr;
    histories.indices = items;
    histories.data = ratings;
    histories.rows = 1;
    histories.cols = info.n_items;
    if (api->model_recommend(model, &histories, &options, &result, NULL) != ATTNREC_OK) {
      failed(api->last_error());
    } else {
      for (i = 0; i < found; ++i) printf("%lld %.9g\n", (long long)ids[i], (double)scores[i]);
      status = 0;
    }
  }
  free(ids);
  free(scores);
  return status;
}

int main(int argc, char **argv) {
  attnrec_model *model = NULL;
  int32_t *items;
  float *ratings;
  long k = -1;
  int i, h = argc - 3, status = 0;

  if (argc > 2) {
    char *text = argv[2];
    k = whole(&text);
    if (*text != '\0') k = -1;
  }
  if (k < 1) return failed("call it as: recommend MODEL NUMBER [ITEM or ITEM=RATING ...]");

  api = attnrec_get_api();
  if (api->size < sizeof(attnrec_api)) return failed("the library is older than the header that this was built with");
  if (api->model_open(argv[1], &model, NULL) != ATTNREC_OK) return failed(api->last_error());
  items = malloc((size_t)(h + 1) * sizeof *items);
  ratings = malloc((size_t)(h + 1) * sizeof *ratings);
  if (items == NULL || ratings == NULL) status = failed("not enough memory");
  for (i = 0; i < h && status == 0; ++i) {
    if (!read_entry(argv[3 + i], &items[i], &ratings[i])) status = failed("an item is a number, or a number=rating");
  }
  if (status == 0) status = recommend(model, items, ratings, h, k);
  free(items);
  free(ratings);
  api->model_free(model);
  return status;
}
