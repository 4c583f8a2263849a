# The C interface for Cython: `from attnrec cimport cy`, then `cy.api().topk(...)` without the GIL.
# Mirrors attnrec.h, and no more. Build with attnrec.get_include() on the compiler's path.
from libc.stdint cimport int32_t, int64_t


cdef extern from "attnrec/attnrec.h" nogil:
    ctypedef enum attnrec_status:
        ATTNREC_OK
        ATTNREC_INVALID
        ATTNREC_NO_MEMORY
        ATTNREC_CANCELLED
        ATTNREC_FAILED

    ctypedef enum attnrec_metric:
        ATTNREC_DOT
        ATTNREC_COSINE

    ctypedef enum attnrec_normalize:
        ATTNREC_NORMALIZE_ALL
        ATTNREC_NORMALIZE_UNSEEN

    ctypedef enum attnrec_precision:
        ATTNREC_PRECISION_AUTO
        ATTNREC_PRECISION_FLOAT32
        ATTNREC_PRECISION_INT8

    ctypedef struct attnrec_matrix:
        const float *data
        int64_t rows, cols
        int64_t row_stride, col_stride

    ctypedef struct attnrec_csr:
        const int64_t *indptr
        const int32_t *indices
        const float *data
        int64_t rows, cols

    ctypedef struct attnrec_index:
        pass

    ctypedef struct attnrec_operand:
        const attnrec_matrix *dense
        const attnrec_csr *csr
        const attnrec_index *index

    ctypedef struct attnrec_run:
        size_t size
        int num_threads
        int skip_finite_check
        int64_t memory_budget
        int (*poll)(void *data) noexcept nogil
        void *poll_data

    ctypedef struct attnrec_topk_options:
        size_t size
        int64_t k
        float scale
        attnrec_normalize normalize
        const float *item_bias
        const attnrec_csr *exclude
        const attnrec_csr *include_ "include"
        const int64_t *items
        int64_t n_items
        const int64_t *filter_items
        int64_t n_filter_items
        attnrec_precision precision

    ctypedef struct attnrec_topk_result:
        int64_t *ids
        float *scores
        float *weights
        float *lse
        int64_t *counts

    ctypedef struct attnrec_cross_entropy_options:
        size_t size
        float scale
        const float *item_bias
        const float *sample_weight
        attnrec_normalize normalize
        float lse_weight
        float eps

    ctypedef struct attnrec_cross_entropy_result:
        double *loss
        float *d_queries
        float *d_items
        float *d_item_bias

    ctypedef struct attnrec_adam_options:
        size_t size
        int64_t step
        double learning_rate, beta1, beta2, eps
        double weight_decay

    ctypedef struct attnrec_searcher:
        pass

    ctypedef struct attnrec_index_info:
        size_t size
        int64_t n, d
        attnrec_precision precision
        const int64_t *ids
        const int64_t *by_id

    ctypedef enum attnrec_side:
        ATTNREC_USERS
        ATTNREC_ITEMS

    ctypedef enum attnrec_id_kind:
        ATTNREC_ID_NONE
        ATTNREC_ID_INTEGER
        ATTNREC_ID_TEXT
        ATTNREC_ID_JSON

    ctypedef struct attnrec_id:
        attnrec_id_kind kind
        int64_t integer
        const char *text
        int64_t length

    ctypedef struct attnrec_model:
        pass

    ctypedef struct attnrec_model_info:
        size_t size
        const char *class_name
        int64_t n_users, n_items
        attnrec_id_kind user_ids, item_ids
        int has_titles

    ctypedef struct attnrec_recommend_options:
        size_t size
        int64_t k
        int keep_already_liked
        const int64_t *userids
        int64_t n_userids
        const int64_t *items
        int64_t n_items
        const int64_t *filter_items
        int64_t n_filter_items
        int unclipped

    ctypedef struct attnrec_recommend_result:
        int64_t *ids
        float *scores
        int64_t *counts

    ctypedef struct attnrec_api:
        size_t size
        int abi_version
        const char *(*version)() noexcept nogil
        const char *(*isa)() noexcept nogil
        const char *(*isas)() noexcept nogil
        const char *(*threading)() noexcept nogil
        const char *(*last_error)() noexcept nogil
        int (*num_threads)() noexcept nogil
        attnrec_status (*set_num_threads)(int n) noexcept nogil
        int64_t (*memory_budget)() noexcept nogil
        attnrec_status (*set_memory_budget)(int64_t bytes) noexcept nogil
        attnrec_status (*dot_product)(const float *u, const float *v, int64_t d, float *out) noexcept nogil
        attnrec_status (*similarity)(const attnrec_operand *queries, const attnrec_operand *keys,
                                     attnrec_metric metric, float scale, float *out,
                                     const attnrec_run *run) noexcept nogil
        attnrec_status (*attention_matrix)(const attnrec_operand *user_features,
                                           const attnrec_operand *item_features, attnrec_metric metric, float scale,
                                           const attnrec_csr *exclude, float *out,
                                           const attnrec_run *run) noexcept nogil
        attnrec_status (*predict_ratings)(const attnrec_matrix *attention, const attnrec_operand *ratings, float *out,
                                          const attnrec_run *run) noexcept nogil
        attnrec_status (*attend)(const attnrec_operand *queries, const attnrec_operand *keys,
                                 const attnrec_operand *values, float scale, const attnrec_csr *exclude,
                                 const attnrec_csr *include_, float *out, float *lse,
                                 const attnrec_run *run) noexcept nogil
        attnrec_status (*topk)(const attnrec_operand *queries, const attnrec_operand *items,
                               const attnrec_topk_options *options, const attnrec_topk_result *result,
                               const attnrec_run *run) noexcept nogil
        attnrec_status (*score_pairs)(const attnrec_operand *queries, const attnrec_operand *items,
                                      const int64_t *query_ids, const int64_t *item_ids, int64_t n_pairs, float *out,
                                      const attnrec_run *run) noexcept nogil
        attnrec_status (*index_create)(const attnrec_matrix *items, attnrec_precision precision,
                                       attnrec_index **index, const attnrec_run *run) noexcept nogil
        void (*index_free)(attnrec_index *index) noexcept nogil
        void (*index_shape)(const attnrec_index *index, int64_t *n, int64_t *d) noexcept nogil
        attnrec_status (*index_rows)(const attnrec_index *index, int64_t first, int64_t count,
                                     float *out) noexcept nogil
        attnrec_status (*fma_ceiling)(double seconds, double *flops, const attnrec_run *run) noexcept nogil
        attnrec_status (*sampled_product)(const attnrec_matrix *left, const attnrec_matrix *right,
                                          const attnrec_csr *pattern, float *out,
                                          const attnrec_run *run) noexcept nogil
        attnrec_status (*softmax_cross_entropy)(const attnrec_matrix *queries, const attnrec_matrix *items,
                                                const attnrec_csr *targets,
                                                const attnrec_cross_entropy_options *options,
                                                const attnrec_cross_entropy_result *result,
                                                const attnrec_run *run) noexcept nogil
        attnrec_status (*adam_step)(float *parameters, const float *gradient, float *first, float *second, int64_t n,
                                    const attnrec_adam_options *options, const attnrec_run *run) noexcept nogil
        attnrec_status (*model_open)(const char *path, attnrec_model **model, const attnrec_run *run) noexcept nogil
        void (*model_free)(attnrec_model *model) noexcept nogil
        attnrec_status (*model_info)(const attnrec_model *model, attnrec_model_info *info) noexcept nogil
        attnrec_status (*model_recommend)(const attnrec_model *model, const attnrec_csr *histories,
                                          const attnrec_recommend_options *options,
                                          const attnrec_recommend_result *result,
                                          const attnrec_run *run) noexcept nogil
        attnrec_status (*searcher_create)(const attnrec_index *index, const attnrec_topk_options *options,
                                          attnrec_searcher **searcher, const attnrec_run *run) noexcept nogil
        void (*searcher_free)(attnrec_searcher *searcher) noexcept nogil
        attnrec_status (*searcher_search)(attnrec_searcher *searcher, const float *query, const int64_t *exclude,
                                          int64_t n_exclude, int64_t *ids, float *scores,
                                          int64_t *count) noexcept nogil
        attnrec_status (*index_save)(const attnrec_index *index, const int64_t *ids, const char *path) noexcept nogil
        attnrec_status (*index_open)(const char *path, int map, attnrec_index **index) noexcept nogil
        attnrec_status (*index_info)(const attnrec_index *index, attnrec_index_info *info) noexcept nogil
        int (*processors)() noexcept nogil
        attnrec_status (*model_id)(const attnrec_model *model, attnrec_side side, int64_t row,
                                   attnrec_id *id) noexcept nogil
        attnrec_status (*model_row)(const attnrec_model *model, attnrec_side side, const attnrec_id *id,
                                    int64_t *row) noexcept nogil
        attnrec_status (*model_item_title)(const attnrec_model *model, int64_t row, const char **text,
                                           int64_t *length) noexcept nogil


cdef const attnrec_api *api() noexcept nogil
