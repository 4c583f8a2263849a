/* The C interface of attnrec (C99): the one way into the kernels, for Python, Cython and C services alike.
 *
 * attnrec_get_api() gives a table of functions. Each checks its arguments, never prints, aborts, exits or throws, and
 * returns ATTNREC_OK or a status; api->last_error() then says what was wrong and how to mend it.
 *
 * Threads: every function may be called from any number of threads at once, on the same index or model too, which do
 * not change. last_error is of the calling thread, until its next call. A call spreads its own work over num_threads.
 * The one thing to keep apart: nothing may use an index or a model while it is freed.
 *
 * Ownership: what is passed in is the caller's, is not changed unless it is an output, and is not kept after the call.
 * Only index_create and model_open make something, which index_free and model_free end. Strings that come back belong
 * to the library: those of a model until it is freed, last_error's until the thread's next call, the others for good.
 *
 * Versions: within one ATTNREC_ABI_VERSION, which is also the number in the name of the shared library
 * (libattnrec.so.1), everything keeps its place and meaning. attnrec_api grows at its end only: test `size` before
 * using a field newer than the library may be. Structs that begin with `size` grow at their ends too, which is why the
 * caller sets it; what a caller does not know of is 0, and means what was before.
 *
 * Letters: b queries, n items (or keys), d feature width, m value width, k results. Strides are in elements.
 */
#ifndef ATTNREC_H
#define ATTNREC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATTNREC_ABI_VERSION 1

typedef enum attnrec_status {
  ATTNREC_OK = 0,
  ATTNREC_INVALID = 1,   /* a wrong argument, or an environment variable that cannot be followed */
  ATTNREC_NO_MEMORY = 2, /* not enough memory */
  ATTNREC_CANCELLED = 3, /* poll() asked to stop; outputs are unfinished */
  ATTNREC_FAILED = 4     /* anything else */
} attnrec_status;

typedef enum attnrec_metric { ATTNREC_DOT = 0, ATTNREC_COSINE = 1 } attnrec_metric;

/* Which scores the softmax denominator of topk runs over. */
typedef enum attnrec_normalize { ATTNREC_NORMALIZE_ALL = 0, ATTNREC_NORMALIZE_UNSEEN = 1 } attnrec_normalize;

/* Arithmetic of topk's scan; the results are the same bits. 8-bit integers rule out what can not be among the best, and
 * float32 scores the rest. They need an index prepared for them and no weights. */
typedef enum attnrec_precision {
  ATTNREC_PRECISION_AUTO = 0, /* what is fastest */
  ATTNREC_PRECISION_FLOAT32 = 1,
  ATTNREC_PRECISION_INT8 = 2
} attnrec_precision;

/* (rows, cols) floats; element (i, j) is data[i * row_stride + j * col_stride]. */
typedef struct attnrec_matrix {
  const float *data;
  int64_t rows, cols;
  int64_t row_stride, col_stride;
} attnrec_matrix;

/* (rows, cols) compressed sparse rows; row i is [indptr[i], indptr[i + 1]). Indices need not be sorted. Where only the
 * pattern matters (exclude, include) data may be null and repeated entries count once; elsewhere they add up, in double
 * and before anything else. */
typedef struct attnrec_csr {
  const int64_t *indptr;
  const int32_t *indices;
  const float *data;
  int64_t rows, cols;
} attnrec_csr;

/* Items packed once; immutable, shared by all threads. */
typedef struct attnrec_index attnrec_index;

/* A matrix in one of its forms: exactly one pointer is not null. */
typedef struct attnrec_operand {
  const attnrec_matrix *dense;
  const attnrec_csr *csr;
  const attnrec_index *index; /* keys and items only */
} attnrec_operand;

/* How to run; a null pointer to it means all defaults. */
typedef struct attnrec_run {
  size_t size;             /* sizeof(attnrec_run) */
  int num_threads;         /* 0: the process's setting */
  int skip_finite_check;   /* nonzero: inputs are known to be finite */
  int64_t memory_budget;   /* bytes of scratch; 0: the process's setting */
  int (*poll)(void *data); /* called on the calling thread during long work; nonzero cancels */
  void *poll_data;
} attnrec_run;

typedef struct attnrec_topk_options {
  size_t size; /* sizeof(attnrec_topk_options) */
  int64_t k;
  float scale;
  attnrec_normalize normalize;
  const float *item_bias;     /* (n,) or null */
  const attnrec_csr *exclude; /* (b, n) or null: items that each query may not see */
  const attnrec_csr *include; /* (b, n) or null: the only items that each may see */
  const int64_t *items;       /* ids of the only items that any may see, or null */
  int64_t n_items;
  const int64_t *filter_items; /* ids of items that none may see, or null */
  int64_t n_filter_items;
  attnrec_precision precision;
} attnrec_topk_options;

/* Where topk writes. Rows are padded with id -1, score -inf, weight 0. */
typedef struct attnrec_topk_result {
  int64_t *ids;    /* (b, k) */
  float *scores;   /* (b, k) */
  float *weights;  /* (b, k) or null; goes with lse */
  float *lse;      /* (b,) or null */
  int64_t *counts; /* (b,) or null */
} attnrec_topk_result;

typedef struct attnrec_cross_entropy_options {
  size_t size; /* sizeof(attnrec_cross_entropy_options) */
  float scale;
  const float *item_bias;      /* (n,) or null */
  const float *sample_weight;  /* (b,), 0 or more, or null */
  attnrec_normalize normalize; /* UNSEEN: a row's other targets leave the denominator of each target */
  float lse_weight;            /* of the log-sum-exp against the target's score, 0 or more; usually 1 */
  float eps;                   /* gradients may leave out probabilities below it; 0: none */
} attnrec_cross_entropy_options;

/* Where softmax_cross_entropy writes. Null gradients are not computed; d_queries, d_items and d_item_bias come
   together, the last where there is a bias. */
typedef struct attnrec_cross_entropy_result {
  double *loss;       /* one */
  float *d_queries;   /* (b, d) or null */
  float *d_items;     /* (n, d) or null */
  float *d_item_bias; /* (n,) or null */
} attnrec_cross_entropy_result;

typedef struct attnrec_adam_options {
  size_t size;  /* sizeof(attnrec_adam_options) */
  int64_t step; /* from 1 */
  double learning_rate, beta1, beta2, eps;
  double weight_decay; /* taken off the parameters themselves (AdamW) */
} attnrec_adam_options;

/* A fitted model in the file that Python's model.save(path) wrote, mapped read-only: one copy of its arrays in memory
 * for all processes that open it. What SoftmaxRecommender and KernelAttentionRegressor make of theirs besides, packed
 * items and kernels between items, is each process's own, but for children made by fork. Immutable, shared by all
 * threads. */
typedef struct attnrec_model attnrec_model;

typedef struct attnrec_model_info {
  size_t size;            /* sizeof(attnrec_model_info), set by the caller */
  const char *class_name; /* "NeighbourAttention"; the model's, until it is freed */
  int64_t n_users, n_items;
} attnrec_model_info;

/* What to recommend. Zeros are the defaults of Python's model.recommend; only k has to be given. */
typedef struct attnrec_recommend_options {
  size_t size;            /* sizeof(attnrec_recommend_options) */
  int64_t k;              /* items for each user */
  int keep_already_liked; /* nonzero: items of the user's own history, and disliked ones, may be recommended */
  const int64_t *userids; /* (b,) rows that the model was fitted with, -1 for somebody new; null: all are new */
  int64_t n_userids;
  const int64_t *items; /* ids of the only items that anybody may get, or null */
  int64_t n_items;
  const int64_t *filter_items; /* ids of items that nobody may get, or null */
  int64_t n_filter_items;
  int unclipped; /* nonzero: predicted ratings as they were computed, also past the scale of the ratings */
} attnrec_recommend_options;

/* Where model_recommend writes: best first, ties by lower id. Rows are padded with id -1, score -inf. */
typedef struct attnrec_recommend_result {
  int64_t *ids;    /* (b, k) */
  float *scores;   /* (b, k) */
  int64_t *counts; /* (b,) or null: how many are real */
} attnrec_recommend_result;

/* Searches an index for one query at a time, with buffers of its own that are made once: a search allocates nothing
 * unless more is excluded than ever before. For one thread at a time; the index has to stay. */
typedef struct attnrec_searcher attnrec_searcher;

typedef struct attnrec_index_info {
  size_t size; /* sizeof(attnrec_index_info), set by the caller */
  int64_t n, d;
  attnrec_precision precision;
  const int64_t *ids;   /* (n,) names of an index from a file, or null; the index's, until it is freed */
  const int64_t *by_id; /* (n,) positions in the order of names, or null */
} attnrec_index_info;

/* Dense outputs are row-major without gaps and must not overlap an input. */
typedef struct attnrec_api {
  size_t size;     /* sizeof(attnrec_api) of the library */
  int abi_version; /* ATTNREC_ABI_VERSION of the library */

  const char *(*version)(void);
  const char *(*isa)(void);       /* in use; null (and last_error) when ATTNREC_ISA does not run here */
  const char *(*isas)(void);      /* all that run on this processor, best first, separated by spaces */
  const char *(*threading)(void); /* "openmp" or "threads" */
  const char *(*last_error)(void);
  /* of calls that are not told: what was set, ATTNREC_NUM_THREADS, OMP_NUM_THREADS, or processors(); 0 (and last_error)
     when ATTNREC_NUM_THREADS is no number */
  int (*num_threads)(void);
  attnrec_status (*set_num_threads)(int n); /* 0: back to the default */
  int64_t (*memory_budget)(void);
  attnrec_status (*set_memory_budget)(int64_t bytes); /* 0: back to the default */

  /* out: one float */
  attnrec_status (*dot_product)(const float *u, const float *v, int64_t d, float *out);
  /* out (b, n) = scale * Q K^T, or of the normalised rows */
  attnrec_status (*similarity)(const attnrec_operand *queries, const attnrec_operand *keys, attnrec_metric metric,
                               float scale, float *out, const attnrec_run *run);
  /* out (b, n) = softmax over items of the similarity; exclude may be null */
  attnrec_status (*attention_matrix)(const attnrec_operand *user_features, const attnrec_operand *item_features,
                                     attnrec_metric metric, float scale, const attnrec_csr *exclude, float *out,
                                     const attnrec_run *run);
  /* out (b, m) = A (b, n) R (n, m) */
  attnrec_status (*predict_ratings)(const attnrec_matrix *attention, const attnrec_operand *ratings, float *out,
                                    const attnrec_run *run);
  /* out (b, m) = softmax(scale * Q K^T) V; exclude, include and lse (b,) may be null */
  attnrec_status (*attend)(const attnrec_operand *queries, const attnrec_operand *keys, const attnrec_operand *values,
                           float scale, const attnrec_csr *exclude, const attnrec_csr *include, float *out, float *lse,
                           const attnrec_run *run);
  attnrec_status (*topk)(const attnrec_operand *queries, const attnrec_operand *items,
                         const attnrec_topk_options *options, const attnrec_topk_result *result,
                         const attnrec_run *run);
  /* out (n_pairs,) = q[query_ids] . v[item_ids] */
  attnrec_status (*score_pairs)(const attnrec_operand *queries, const attnrec_operand *items, const int64_t *query_ids,
                                const int64_t *item_ids, int64_t n_pairs, float *out, const attnrec_run *run);

  /* precision: what to prepare for; FLOAT32 saves a fifth of the memory */
  attnrec_status (*index_create)(const attnrec_matrix *items, attnrec_precision precision, attnrec_index **index,
                                 const attnrec_run *run);
  void (*index_free)(attnrec_index *index); /* null is fine */
  void (*index_shape)(const attnrec_index *index, int64_t *n, int64_t *d);
  /* items [first, first + count) as they were given, (count, d) */
  attnrec_status (*index_rows)(const attnrec_index *index, int64_t first, int64_t count, float *out);

  /* FLOP per second of float32 multiply-adds, measured over about `seconds`: the yardstick of the kernels */
  attnrec_status (*fma_ceiling)(double seconds, double *flops, const attnrec_run *run);

  /* out (nnz,): left[i] . right[j] for each stored entry (i, j) of pattern (b, n), whose data may be null and whose
     entries may be in any order; left (b, d), right (n, d) */
  attnrec_status (*sampled_product)(const attnrec_matrix *left, const attnrec_matrix *right, const attnrec_csr *pattern,
                                    float *out, const attnrec_run *run);

  /* Mean over the targets (b, n), weighted by their data and the rows' weights, of
     lse_weight * log sum_j exp(s_j) - s_target with s = scale * Q V^T + item_bias, and its gradients; s is never
     stored. Rows without targets count for nothing. */
  attnrec_status (*softmax_cross_entropy)(const attnrec_matrix *queries, const attnrec_matrix *items,
                                          const attnrec_csr *targets, const attnrec_cross_entropy_options *options,
                                          const attnrec_cross_entropy_result *result, const attnrec_run *run);
  /* One step of Adam, in place: parameters, first and second moments, all (n,) */
  attnrec_status (*adam_step)(float *parameters, const float *gradient, float *first, float *second, int64_t n,
                              const attnrec_adam_options *options, const attnrec_run *run);

  /* Opens a model: SoftmaxRecommender, NeighbourAttention, KernelAttentionRecommender in one block of users, or
     KernelAttentionRegressor without content. What is truncated, damaged or of another class is ATTNREC_INVALID, and
     last_error names file, tensor and fix. All of the file is read once to find what is not finite, unless run says to
     skip that. KernelAttentionRegressor takes as long as a prediction for each of its users, and then memory of this
     process for kernels between items, refused where it is more than the memory budget. While a model is open its file
     may be replaced by another one moved into its place, as model.save does, but not written into or cut short. */
  attnrec_status (*model_open)(const char *path, attnrec_model **model, const attnrec_run *run);
  void (*model_free)(attnrec_model *model); /* null is fine; no call may be using it */
  attnrec_status (*model_info)(const attnrec_model *model, attnrec_model_info *info);
  /* The k best items for each user: from histories (b, n_items), whose columns are the items in the order that the
     model was fitted with and whose data may be null for ones, as Python's model.recommend(userids, histories, N=k,
     recalculate_user=True); or, where histories is null, for fitted users by userids. Models of ratings need data, and
     rank by what they predict before it is cut to the scale of the ratings. To the others values below 0 are what they
     were in fit, by negative=: dislikes, which are hidden from the user and say nothing besides, unless told otherwise.
     A fitted user is kept from attending to itself either way. Ids and scores are those of Python: the same bits for
     NeighbourAttention and KernelAttentionRecommender(based_on="items"); the same to rounding for the others, whose
     norms or exponentials NumPy computes; for SoftmaxRecommender(user_representation="embedding") within about 1e-3 of
     the largest score, because a gradient step that hardly changes the loss is taken or not as rounding has it. */
  attnrec_status (*model_recommend)(const attnrec_model *model, const attnrec_csr *histories,
                                    const attnrec_recommend_options *options, const attnrec_recommend_result *result,
                                    const attnrec_run *run);

  /* options as for topk, without exclude and include; what they point to is copied. run may be null and counts for all
     searches; its 0 threads are one here, so that none is woken. */
  attnrec_status (*searcher_create)(const attnrec_index *index, const attnrec_topk_options *options,
                                    attnrec_searcher **searcher, const attnrec_run *run);
  void (*searcher_free)(attnrec_searcher *searcher); /* null is fine; no call may be using it */
  /* The k best items for a query (d,) without gaps: ids (k,) and scores (k,), the same bits as topk's, and in count,
     which may be null, how many are real. exclude: ids that this query may not see, in any order. A call while another
     one is running on the same searcher is ATTNREC_FAILED, and writes nothing. Of a large index, calls by many more
     threads than processors wait, and those with the same options are then answered together. */
  attnrec_status (*searcher_search)(attnrec_searcher *searcher, const float *query, const int64_t *exclude,
                                    int64_t n_exclude, int64_t *ids, float *scores, int64_t *count);

  /* Writes an index in its packed form, with the names of its items (n,), unique and not negative, which may be null.
     To replace a file that is open somewhere, write another one and move it into its place. */
  attnrec_status (*index_save)(const attnrec_index *index, const int64_t *ids, const char *path);
  /* Opens it, mapped (map nonzero: one copy in memory for all processes) or read. What is truncated, of another
     version, or packed for other 8-bit instructions is ATTNREC_INVALID, and last_error names file and fix. The numbers
     in it are taken as they are. The file may be replaced meanwhile, but not written into or cut short. */
  attnrec_status (*index_open)(const char *path, int map, attnrec_index **index);
  attnrec_status (*index_info)(const attnrec_index *index, attnrec_index_info *info);

  /* Processors that this process may use, now: those of its affinity, and no more than the CPU quota of its control
     groups (cgroup v1 and v2, such as a container's), rounded up, pays for. */
  int (*processors)(void);
} attnrec_api;

#if defined(_WIN32)
#define ATTNREC_EXPORT __declspec(dllexport)
#else
#define ATTNREC_EXPORT __attribute__((visibility("default")))
#endif

/* The table; never null. From Python the same pointer is the capsule attnrec._core.api. */
ATTNREC_EXPORT const attnrec_api *attnrec_get_api(void);

#ifdef __cplusplus
}
#endif

#endif /* ATTNREC_H */
