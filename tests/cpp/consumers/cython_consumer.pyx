# cython: language_level=3
# A Cython service in miniature: takes the table from attnrec.cy and calls it without the GIL.
from attnrec cimport cy
from libc.stdint cimport int64_t


def check():
    """Top-2 of one query over three items, and a refused call; raises AssertionError when something differs."""
    cdef float[2] query = [1.0, 2.0]
    cdef float[6] features = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    cdef cy.attnrec_matrix q, v
    cdef cy.attnrec_operand queries, items
    cdef cy.attnrec_topk_options options
    cdef cy.attnrec_topk_result result
    cdef int64_t[2] ids
    cdef float[2] scores
    cdef cy.attnrec_status status, refused
    cdef const cy.attnrec_api *api = cy.api()

    q.data, q.rows, q.cols, q.row_stride, q.col_stride = &query[0], 1, 2, 2, 1
    v.data, v.rows, v.cols, v.row_stride, v.col_stride = &features[0], 3, 2, 2, 1
    queries.dense, queries.csr, queries.index = &q, NULL, NULL
    items.dense, items.csr, items.index = &v, NULL, NULL
    options.size, options.k, options.scale = sizeof(options), 2, 1.0
    options.normalize = cy.ATTNREC_NORMALIZE_ALL
    options.precision = cy.ATTNREC_PRECISION_AUTO
    options.item_bias, options.exclude, options.include_ = NULL, NULL, NULL
    options.items, options.n_items, options.filter_items, options.n_filter_items = NULL, 0, NULL, 0
    result.ids, result.scores, result.weights, result.lse, result.counts = &ids[0], &scores[0], NULL, NULL, NULL
    with nogil:
        status = api.topk(&queries, &items, &options, &result, NULL)
    assert status == cy.ATTNREC_OK, api.last_error()
    assert (ids[0], ids[1]) == (2, 1), (ids[0], ids[1])
    assert (scores[0], scores[1]) == (3.0, 2.0), (scores[0], scores[1])
    options.k = 0
    with nogil:
        refused = api.topk(&queries, &items, &options, &result, NULL)
    assert refused == cy.ATTNREC_INVALID
    assert b"k" in api.last_error()
    check_models(api)


cdef check_models(const cy.attnrec_api *api):
    """A model that is not there is refused by name; nothing is left open."""
    cdef cy.attnrec_model *model = NULL
    cdef cy.attnrec_model_info info
    cdef cy.attnrec_status refused
    with nogil:
        refused = api.model_open(b"nowhere", &model, NULL)
    assert refused == cy.ATTNREC_INVALID
    assert b"model_open: 'nowhere'" in api.last_error()
    info.size = sizeof(info)
    assert api.model_info(model, &info) == cy.ATTNREC_INVALID
    assert api.model_recommend(model, NULL, NULL, NULL, NULL) == cy.ATTNREC_INVALID
    api.model_free(model)
