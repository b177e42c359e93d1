/* What the CUDA library has beyond jclip.h: its context, and the bf16 and training operators, by the rules of jclip.h (8-byte fields,
 * row-major, sizes in elements, outputs written whole, one order of addition). All data pointers are device pointers,
 * 16-byte aligned; row strides of bf16 matrices are multiples of 8. Operators enqueue on the context's stream and
 * return: no allocation, no synchronisation, no look at device memory, so that a sequence of calls can be captured as a
 * graph.
 *
 * Exported with the structs of jclip.h: jc_layer_norm, jc_activation, jc_attention (fp32, the parity path).
 * Status: those of jclip.h, or 1000 + cudaError_t. */
#ifndef JCLIP_CUDA_H
#define JCLIP_CUDA_H

#include "../../native/include/jclip.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef uint16_t jc_bf16; /* the upper half of a float */

/* The library's operators cast jc_context* to this. */
typedef struct {
  jc_context base;
  void* stream; /* CUstream of the calling thread's current device */
} jc_cuda_context;

/* ---- Transformer, forward -------------------------------------------------------------------------------------------------- */

/* jc_layer_norm with bf16 data and the statistics kept for the gradient; weight, bias and statistics are fp32. */
typedef struct {
  const jc_bf16* x;        /* in [rows, width] */
  const jc_bf16* residual; /* in [rows, width] or null */
  const float* weight;     /* in [width] */
  const float* bias;       /* in [width] */
  jc_bf16* sum;            /* out [rows, width] or null; may be x or residual; what is normalised is this rounded sum */
  jc_bf16* y;              /* out [rows, width]; may be x */
  float* mean;             /* out [rows] or null */
  float* rstd;             /* out [rows] or null */
  const int64_t* live;     /* in or null */
  int64_t rows;
  int64_t width; /* multiple of 8, at most 2048 */
  double epsilon;
} jc_layer_norm_bf16_args;
int32_t jc_layer_norm_bf16(jc_context*, const jc_layer_norm_bf16_args*);

/* y = f(x + bias), element by element. */
typedef struct {
  const jc_bf16* x;    /* in [rows, width] */
  const float* bias;   /* in [width] or null */
  jc_bf16* y;          /* out [rows, width]; may be x */
  const int64_t* live; /* in or null */
  int64_t rows;
  int64_t width; /* multiple of 8 */
  int64_t activation;
} jc_bias_activation_bf16_args;
int32_t jc_bias_activation_bf16(jc_context*, const jc_bias_activation_bf16_args*);

/* jc_attention with bf16 data, head_dim 64 and at most 832 keys a sequence. A table's sequences stand in ascending order without
 * gaps; the rows of y and lse after the last live one are filled with zeros. */
typedef struct {
  const jc_bf16* q;     /* in [q tokens, heads 64], row stride ldq */
  const jc_bf16* k;     /* in [kv tokens, heads 64], row stride ldk */
  const jc_bf16* v;     /* in [kv tokens, heads 64], row stride ldv */
  jc_bf16* y;           /* out [q tokens, heads 64], row stride ldy */
  float* lse;           /* out [heads, rows] or null: logarithm of the sum of exp(scale q k) */
  const int32_t* table; /* in [sequences, 4] as in jc_attention, or null */
  const int64_t* live;  /* in or null: live sequences, at most `sequences` */
  int64_t sequences;
  int64_t q_tokens;
  int64_t kv_tokens;
  int64_t rows; /* rows of y and lse */
  int64_t heads;
  int64_t ldq;
  int64_t ldk;
  int64_t ldv;
  int64_t ldy;
  int64_t causal;
  double scale;
} jc_attention_bf16_args;
int32_t jc_attention_bf16(jc_context*, const jc_attention_bf16_args*);

/* y = activation(conv(x, w) + bias), 3x3, stride 1, padding 1, NHWC. */
typedef struct {
  const jc_bf16* x;  /* in [batch, height, width, channels] */
  const jc_bf16* w;  /* in [out_channels, 3, 3, channels] */
  const float* bias; /* in [out_channels] or null */
  jc_bf16* y;        /* out [batch, height, width, out_channels] */
  int64_t batch;
  int64_t height;
  int64_t width;
  int64_t channels;     /* multiple of 8 */
  int64_t out_channels; /* multiple of 8 */
  int64_t activation;   /* JC_IDENTITY or JC_RELU */
} jc_conv3x3_bf16_args;
int32_t jc_conv3x3_bf16(jc_context*, const jc_conv3x3_bf16_args*);

/* ---- Training -------------------------------------------------------------------------------------------------------------- */

/* Softmax contrastive loss of n pairs, z = logit_scale image text^T, without the n x n matrix:
 *   loss = (1 / 2n) sum_i [log sum_j exp(z_ij) - z_ii] + [log sum_j exp(z_ji) - z_ii]
 * Features are unit rows. status 0: fine; otherwise the loss is NaN and 1 a sum overflowed (some z_ij above its z_ii by
 * more than 88), 2 a feature is not finite. */
typedef struct {
  const jc_bf16* image;     /* in [n, width] */
  const jc_bf16* text;      /* in [n, width] */
  const float* logit_scale; /* in [1], already exponentiated */
  float* loss;              /* out [1] */
  float* diagonal;          /* out [n]: z_ii */
  float* row_sum;           /* out [n]: sum_{j != i} exp(z_ij - z_ii) */
  float* column_sum;        /* out [n]: sum_{j != i} exp(z_ji - z_ii) */
  int64_t* status;          /* out [1] */
  void* workspace;          /* workspace */
  int64_t workspace_bytes;
  int64_t n;
  int64_t width; /* multiple of 64 */
  int64_t side;  /* of a super-block, which fixes the order of addition: a multiple of 128, or 0: chosen from n alone */
} jc_contrastive_loss_bf16_args;
int32_t jc_contrastive_loss_bf16(jc_context*, const jc_contrastive_loss_bf16_args*);
int64_t jc_contrastive_loss_bf16_workspace(const jc_context*, const jc_contrastive_loss_bf16_args*);

/* One block of the loss's gradient with respect to z, times 2n: g_ij = P(j | i) + P(i | j) - 2 [i = j] for rows [row_first, + rows) and
 * columns [column_first, + columns), and its share of the gradient of log(logit_scale). The feature gradients are
 * products of g with the features, times logit_scale / 2n. Statistics come from jc_contrastive_loss_bf16. */
typedef struct {
  const jc_bf16* image;     /* in [n, width] */
  const jc_bf16* text;      /* in [n, width] */
  const float* logit_scale; /* in [1] */
  const float* diagonal;    /* in [n] */
  const float* row_sum;     /* in [n] */
  const float* column_sum;  /* in [n] */
  jc_bf16* g;               /* out [rows, columns], row stride ldg */
  double* scale_part;       /* out [jc_contrastive_loss_gradient_parts(rows, columns)]: their sum is sum of g_ij z_ij */
  int64_t n;
  int64_t width; /* multiple of 64 */
  int64_t row_first;
  int64_t rows;
  int64_t column_first;
  int64_t columns;
  int64_t ldg; /* multiple of 8, at least columns */
} jc_contrastive_loss_gradient_bf16_args;
int32_t jc_contrastive_loss_gradient_bf16(jc_context*, const jc_contrastive_loss_gradient_bf16_args*);
int64_t jc_contrastive_loss_gradient_parts(int64_t rows, int64_t columns);

/* dq, dk, dv of jc_attention_bf16 with q_count = kv_count, at most 704 tokens a sequence. */
typedef struct {
  const jc_bf16* q;     /* in, row stride ldq */
  const jc_bf16* k;     /* in, row stride ldk */
  const jc_bf16* v;     /* in, row stride ldv */
  const jc_bf16* y;     /* in: the forward's result, row stride ldy */
  const float* lse;     /* in [heads, rows]: the forward's */
  const jc_bf16* dy;    /* in, row stride ldy */
  jc_bf16* dq;          /* out, row stride ldq */
  jc_bf16* dk;          /* out, row stride ldk */
  jc_bf16* dv;          /* out, row stride ldv */
  const int32_t* table; /* in [sequences, 4] or null */
  void* workspace;      /* workspace: 4 heads rows bytes */
  int64_t workspace_bytes;
  const int64_t* live; /* in or null */
  int64_t sequences;
  int64_t tokens; /* of a sequence; with a table: the largest */
  int64_t rows;
  int64_t heads;
  int64_t ldq;
  int64_t ldk;
  int64_t ldv;
  int64_t ldy;
  int64_t causal;
  double scale;
} jc_attention_gradient_bf16_args;
int32_t jc_attention_gradient_bf16(jc_context*, const jc_attention_gradient_bf16_args*);

/* AdamW over many tensors in one launch. A chunk is a piece of one tensor. */
typedef struct {
  float* p;       /* inout [count]: master weights */
  float* m;       /* inout [count] */
  float* v;       /* inout [count] */
  const float* g; /* in [count] */
  jc_bf16* copy;  /* out [count] or null: p rounded */
  int64_t count;  /* at most 65536 */
  int64_t decays; /* 0: no weight decay */
} jc_adamw_chunk;
/* On the device, since a captured graph cannot change its arguments. */
typedef struct {
  double learning_rate;
  double correction1; /* 1 - beta1^step */
  double correction2; /* 1 - beta2^step */
  double clip;        /* gradients are multiplied by this */
  int64_t skip;       /* not 0: nothing is written */
} jc_adamw_step;
typedef struct {
  const jc_adamw_chunk* chunk; /* in [chunks] */
  const jc_adamw_step* step;   /* in [1] */
  int64_t chunks;
  double beta1;
  double beta2;
  double epsilon;
  double decay;
} jc_adamw_args;
int32_t jc_adamw(jc_context*, const jc_adamw_args*);

#ifdef __cplusplus
}
#endif

#endif
