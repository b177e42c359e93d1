/* The contract of jclip: everything Java and a compute library (CPU, CUDA, emulated CUDA) share. Plain C11.
 *
 * An operator is one struct and one function of the same name:
 *     int32_t jc_layer_norm(jc_context*, const jc_layer_norm_args*);
 *
 * Rules, the same for all operators:
 *   - Every field of an args struct is 8 bytes wide (pointer, int64_t, double). The Java record lists the fields in this order;
 *     the build compares names and order.
 *   - Matrices are row-major. Sizes and strides count elements, not bytes, unless the name says bytes.
 *   - A comment marks each pointer: in, out, inout, workspace. An out is written whole, whatever was there. A pointer marked
 *     "or null" may be null. Buffers never overlap, except where a field says that it may be the same address as another.
 *   - No operator allocates, throws, logs, reads the environment or keeps a pointer. Scratch memory is the caller's: `workspace` of
 *     `workspace_bytes` bytes, 64-byte aligned; jc_X_workspace gives the size that lets context->threads threads work (a smaller
 *     one, down to the size for one thread, only lowers the parallelism).
 *   - `live`, where present: null, or the address of a count <= `rows`. Rows [live, rows) of the outputs are filled with zeros,
 *     and rows beyond `rows` are not touched.
 *   - One order of addition for every output element, fixed by the operator's inner dimension (k, width, tokens seen): results have the
 *     same bits whatever the number of rows, their place, and the number of threads.
 *   - The result is 0 (JC_OK) or a status; context->message then says what was wrong.
 */
#ifndef JCLIP_H
#define JCLIP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  JC_OK = 0,
  JC_INVALID = 1,   /* an argument is out of range: a defect of the caller */
  JC_CANCELLED = 2, /* the cancel word was set */
  JC_UNSUPPORTED = 3
};

/* How a product multiplies: in fp32, or operands rounded to bf16 (nearest even) and summed in fp32. Where the machine has no bf16
 * instructions, JC_BF16 is JC_UNSUPPORTED (jc_bf16() says so); the plain version always computes it. */
enum { JC_F32 = 0, JC_BF16 = 1 };

/* Losses over all pairs of a batch. */
enum { JC_SOFTMAX_LOSS = 0, JC_SIGMOID_LOSS = 1 };

/* Instruction sets of the CPU library; the plain versions are REF. */
enum { JC_REF = 0, JC_AVX2 = 1, JC_AVX512 = 2 };

/* Activations of an epilogue: y = f(acc + bias + residual). */
enum { JC_IDENTITY = 0, JC_RELU = 1, JC_QUICK_GELU = 2, JC_GELU = 3 };

enum { JC_MESSAGE_BYTES = 512 };

typedef struct jc_context jc_context;
typedef int32_t (*jc_operator)(jc_context*, const void* args);

/* One per activation slot; in the caller's memory, zeroed before first use. Not for two threads at once. */
struct jc_context {
  int64_t isa;                    /* JC_REF, JC_AVX2, JC_AVX512: at most jc_isa() */
  int64_t threads;                /* cap for one call, 0: all of the pool */
  const int64_t* cancel;          /* or null; jc_run stops before the next call once it is not 0 */
  jc_operator gemm;               /* plain GEMM provider, null: the library's own */
  int64_t failed;                 /* out: index of the call that failed in jc_run */
  char message[JC_MESSAGE_BYTES]; /* out: what was wrong, zero-terminated */
};

typedef struct {
  jc_operator function;
  const void* args;
} jc_call;

/* "<library version> <first 16 hex digits of the header's SHA-256>" */
const char* jc_version(void);
/* The best instruction set of this machine. */
int64_t jc_isa(void);
/* 1 if the instruction set in this context multiplies bf16, else 0. */
int64_t jc_bf16(const jc_context*);
/* Sets the size of the process-wide pool (n >= 1) and returns it; n = 0 only asks. At most n threads of all callers compute at once. */
int64_t jc_threads(int64_t n);
/* Executes n calls in order on the calling thread and the pool. nanos: null, or n times to fill. */
int32_t jc_run(jc_context*, const jc_call* calls, int64_t n, int64_t* nanos);

/* ---- GEMM ------------------------------------------------------------------------------------------------------------------ */

/* packed = w in the library's own layout: element (n, k) of the weight matrix is w[n * stride_n + k * stride_k]. */
typedef struct {
  const float* w; /* in */
  void* packed;   /* out: jc_gemm_packed_bytes(context, n, k) bytes, 64-byte aligned */
  int64_t n;
  int64_t k;
  int64_t stride_n;
  int64_t stride_k;
  int64_t precision; /* JC_F32 or JC_BF16, that of the jc_gemm that reads it */
} jc_gemm_pack_args;
int32_t jc_gemm_pack(jc_context*, const jc_gemm_pack_args*);
int64_t jc_gemm_packed_bytes(const jc_context*, int64_t n, int64_t k);

/* y = activation(a w^T + bias + residual);  a [rows, k], w [n, k], y [rows, n] */
typedef struct {
  const float* a;        /* in [rows, k], row stride lda */
  const void* packed;    /* in: from jc_gemm_pack under the same context->isa */
  const float* bias;     /* in [n] or null */
  const float* residual; /* in [rows, n], row stride ld_residual, or null; may be y */
  float* y;              /* out [rows, n], row stride ldy */
  void* workspace;       /* workspace */
  int64_t workspace_bytes;
  const int64_t* live; /* in or null */
  int64_t rows;
  int64_t n;
  int64_t k;
  int64_t lda;
  int64_t ld_residual;
  int64_t ldy;
  int64_t activation;
  int64_t precision; /* JC_F32 or JC_BF16 */
} jc_gemm_args;
int32_t jc_gemm(jc_context*, const jc_gemm_args*);
int64_t jc_gemm_workspace(const jc_context*, const jc_gemm_args*);

/* ---- Convolution ----------------------------------------------------------------------------------------------------------- */

/* packed = w [out_channels, channels, kernel, kernel] (OIHW) in the library's own layout. */
typedef struct {
  const float* w; /* in */
  void* packed;   /* out: jc_conv2d_packed_bytes(...) bytes, 64-byte aligned */
  int64_t out_channels;
  int64_t channels;
  int64_t kernel;
  int64_t gradient; /* 1: packed for jc_conv2d_data_gradient; bytes as with out_channels and channels exchanged */
} jc_conv2d_pack_args;
int32_t jc_conv2d_pack(jc_context*, const jc_conv2d_pack_args*);
int64_t jc_conv2d_packed_bytes(const jc_context*, int64_t out_channels, int64_t channels, int64_t kernel);

/* y = activation(conv(x, w) + bias + residual), zero padding, NHWC out.
 * x is addressed by four strides, so that the first convolution reads NCHW pixels as they are.
 * Output height = (height + 2 padding - kernel) / stride + 1, width alike. */
typedef struct {
  const float* x;        /* in: batch x height x width x channels through the x_ strides */
  const void* packed;    /* in: from jc_conv2d_pack under the same context->isa */
  const float* bias;     /* in [out_channels] or null */
  const float* residual; /* in, same shape as y, dense, or null; may be y */
  float* y;              /* out [batch, out_height, out_width, out_channels], dense */
  void* workspace;       /* workspace */
  int64_t workspace_bytes;
  int64_t batch;
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t x_batch;   /* stride from picture to picture */
  int64_t x_row;     /* ... from pixel row to pixel row */
  int64_t x_column;  /* ... from pixel to pixel */
  int64_t x_channel; /* ... from channel to channel */
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  int64_t padding;
  int64_t activation;
} jc_conv2d_args;
int32_t jc_conv2d(jc_context*, const jc_conv2d_args*);
int64_t jc_conv2d_workspace(const jc_context*, const jc_conv2d_args*);

/* y[b, 0] = class_embedding + positional[0];  y[b, 1 + p] = patch p of picture b times w + positional[1 + p].
 * Patches row by row; a patch's inner order is that of w [width, 3, patch, patch]. No copy of the batch in patch order is made.
 * class_embedding null: y is [batch, grid, width] without a class row, and positional (or null) has grid rows. */
typedef struct {
  const float* pixels;          /* in [batch, 3, height, image_width], NCHW, normalised */
  const void* packed;           /* in: from jc_gemm_pack with n = width, k = 3 patch^2 */
  const float* class_embedding; /* in [width] or null */
  const float* positional;      /* in [1 + grid, width] or null; grid = (height / patch) (image_width / patch) */
  float* y;                     /* out [batch, 1 + grid, width] */
  void* workspace;              /* workspace */
  int64_t workspace_bytes;
  int64_t batch;
  int64_t height;
  int64_t image_width;
  int64_t patch;
  int64_t width;
} jc_patch_embed_args;
int32_t jc_patch_embed(jc_context*, const jc_patch_embed_args*);
int64_t jc_patch_embed_workspace(const jc_context*, const jc_patch_embed_args*);

/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias per channel with frozen statistics; NHWC. */
typedef struct {
  const float* x;        /* in [rows, channels] */
  const float* weight;   /* in [channels] */
  const float* bias;     /* in [channels] */
  const float* mean;     /* in [channels] */
  const float* variance; /* in [channels] */
  float* y;              /* out [rows, channels]; may be x */
  int64_t rows;
  int64_t channels;
  double epsilon;
} jc_batch_norm_args;
int32_t jc_batch_norm(jc_context*, const jc_batch_norm_args*);

/* Average over kernel x kernel windows, stride = kernel, NHWC; leftover rows and columns are dropped. */
typedef struct {
  const float* x; /* in [batch, height, width, channels] */
  float* y;       /* out [batch, height / kernel, width / kernel, channels] */
  int64_t batch;
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t kernel;
} jc_avg_pool_args;
int32_t jc_avg_pool(jc_context*, const jc_avg_pool_args*);

/* Tokens of the attention pool: y[b, 0] = mean over pixels + positional[0];  y[b, 1 + p] = x[b, p] + positional[1 + p]. */
typedef struct {
  const float* x;          /* in [batch, pixels, channels] */
  const float* positional; /* in [1 + pixels, channels] */
  float* y;                /* out [batch, 1 + pixels, channels] */
  int64_t batch;
  int64_t pixels;
  int64_t channels;
} jc_attention_pool_tokens_args;
int32_t jc_attention_pool_tokens(jc_context*, const jc_attention_pool_tokens_args*);

/* ---- Transformer ----------------------------------------------------------------------------------------------------------- */

/* sum = x + residual;  y = (sum - mean) / sqrt(variance + epsilon) * weight + bias, biased variance, two passes. */
typedef struct {
  const float* x;        /* in [rows, width] */
  const float* residual; /* in [rows, width] or null */
  const float* weight;   /* in [width] */
  const float* bias;     /* in [width] */
  float* sum;            /* out [rows, width] or null; may be x or residual */
  float* y;              /* out [rows, width]; may be x */
  const int64_t* live;   /* in or null */
  int64_t rows;
  int64_t width;
  double epsilon;
} jc_layer_norm_args;
int32_t jc_layer_norm(jc_context*, const jc_layer_norm_args*);

/* y = softmax(scale q k^T) v for each sequence and head; head h of a token is columns [h head_dim, (h+1) head_dim).
 * Sequence s, row of the table: q_first, q_count, kv_first, kv_count (token numbers; 1 <= q_count <= kv_count).
 * table null: q_first = s q_tokens, q_count = q_tokens, kv_first = s kv_tokens, kv_count = kv_tokens.
 * causal: query i of a sequence sees its keys 0 .. kv_count - q_count + i. */
typedef struct {
  const float* q;       /* in [q tokens, heads head_dim], row stride ldq */
  const float* k;       /* in [kv tokens, heads head_dim], row stride ldk */
  const float* v;       /* in [kv tokens, heads head_dim], row stride ldv */
  float* y;             /* out [q tokens, heads head_dim], row stride ldy */
  const int32_t* table; /* in [sequences, 4] or null */
  void* workspace;      /* workspace */
  int64_t workspace_bytes;
  const int64_t* live; /* in or null: live sequences, at most `sequences` */
  int64_t sequences;
  int64_t q_tokens;  /* of a sequence; with a table: the largest q_count */
  int64_t kv_tokens; /* of a sequence; with a table: the largest kv_count */
  int64_t rows;      /* rows of y: rows that belong to no live sequence are filled with zeros */
  int64_t heads;
  int64_t head_dim;
  int64_t ldq;
  int64_t ldk;
  int64_t ldv;
  int64_t ldy;
  int64_t causal;
  double scale;
} jc_attention_args;
int32_t jc_attention(jc_context*, const jc_attention_args*);
int64_t jc_attention_workspace(const jc_context*, const jc_attention_args*);

/* y[t] = table[ids[t]] + positional[positions[t]] */
typedef struct {
  const int32_t* ids;       /* in [rows], each in [0, vocabulary) */
  const int32_t* positions; /* in [rows], each in [0, context) */
  const float* table;       /* in [vocabulary, width] */
  const float* positional;  /* in [context, width] */
  float* y;                 /* out [rows, width] */
  const int64_t* live;      /* in or null */
  int64_t rows;
  int64_t width;
  int64_t vocabulary;
  int64_t context;
} jc_embedding_args;
int32_t jc_embedding(jc_context*, const jc_embedding_args*);

/* y[i] = x[index[i]], or x[i step] where index is null. */
typedef struct {
  const float* x;       /* in [source_rows, width] */
  const int32_t* index; /* in [rows], each in [0, source_rows), or null */
  float* y;             /* out [rows, width] */
  const int64_t* live;  /* in or null */
  int64_t rows;
  int64_t source_rows;
  int64_t width;
  int64_t step;
} jc_gather_rows_args;
int32_t jc_gather_rows(jc_context*, const jc_gather_rows_args*);

/* y = f(x), element by element. */
typedef struct {
  const float* x; /* in [count] */
  float* y;       /* out [count]; may be x */
  int64_t count;
  int64_t activation;
} jc_activation_args;
int32_t jc_activation(jc_context*, const jc_activation_args*);

/* ---- Heads ----------------------------------------------------------------------------------------------------------------- */

/* y = x / max(|x|, epsilon), row by row. */
typedef struct {
  const float* x;      /* in [rows, width] */
  float* y;            /* out [rows, width]; may be x */
  const int64_t* live; /* in or null */
  int64_t rows;
  int64_t width;
  double epsilon;
} jc_l2_normalize_args;
int32_t jc_l2_normalize(jc_context*, const jc_l2_normalize_args*);

/* logits = scale image text^T;  probabilities = softmax over the texts of each row. */
typedef struct {
  const float* image;   /* in [rows, width] */
  const float* text;    /* in [texts, width] */
  float* logits;        /* out [rows, texts] */
  float* probabilities; /* out [rows, texts] or null */
  int64_t rows;
  int64_t texts;
  int64_t width;
  double scale;
} jc_logits_args;
int32_t jc_logits(jc_context*, const jc_logits_args*);

/* ---- Gradients ------------------------------------------------------------------------------------------------------------- */

/* dx is the gradient of the loss with respect to x. Gradients of parameters are inout: what is computed is added to what is there, in one
 * order fixed by the sizes alone, so that the same bits come out for any number of threads. A gradient that is null is not wanted. */

/* dw += dy^T x;  d_bias += the column sums of dy */
typedef struct {
  const float* dy; /* in [rows, n], row stride ldy */
  const float* x;  /* in [rows, k], row stride ldx */
  float* dw;       /* inout [n, k], row stride ldw */
  float* d_bias;   /* inout [n] or null */
  void* workspace; /* workspace */
  int64_t workspace_bytes;
  const int64_t* live; /* in or null */
  int64_t rows;
  int64_t n;
  int64_t k;
  int64_t ldy;
  int64_t ldx;
  int64_t ldw;
  int64_t precision; /* JC_F32 or JC_BF16 */
} jc_gemm_weight_gradient_args;
int32_t jc_gemm_weight_gradient(jc_context*, const jc_gemm_weight_gradient_args*);
int64_t jc_gemm_weight_gradient_workspace(const jc_context*, const jc_gemm_weight_gradient_args*);

/* dx = the gradient of jc_conv2d with respect to its input + residual; sizes are those of the forward call. */
typedef struct {
  const float* dy;       /* in [batch, out_height, out_width, out_channels], dense */
  const void* packed;    /* in: from jc_conv2d_pack with gradient = 1 */
  const float* residual; /* in, same shape as dx, or null; may be dx */
  float* dx;             /* out [batch, height, width, channels], dense */
  void* workspace;       /* workspace */
  int64_t workspace_bytes;
  int64_t batch;
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  int64_t padding;
} jc_conv2d_data_gradient_args;
int32_t jc_conv2d_data_gradient(jc_context*, const jc_conv2d_data_gradient_args*);
int64_t jc_conv2d_data_gradient_workspace(const jc_context*, const jc_conv2d_data_gradient_args*);

/* dw += the gradient of jc_conv2d with respect to its weights. Also that of jc_patch_embed: kernel = stride = patch, dy_batch skips the
 * class row. */
typedef struct {
  const float* dy; /* in [batch, out_height, out_width, out_channels]; pictures dy_batch apart, dense inside */
  const float* x;  /* in: batch x height x width x channels through the x_ strides */
  float* dw;       /* inout [out_channels, channels, kernel, kernel], dense (OIHW) */
  void* workspace; /* workspace */
  int64_t workspace_bytes;
  int64_t batch;
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t x_batch;
  int64_t x_row;
  int64_t x_column;
  int64_t x_channel;
  int64_t dy_batch;
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  int64_t padding;
} jc_conv2d_weight_gradient_args;
int32_t jc_conv2d_weight_gradient(jc_context*, const jc_conv2d_weight_gradient_args*);
int64_t jc_conv2d_weight_gradient_workspace(const jc_context*, const jc_conv2d_weight_gradient_args*);

/* Training form: mean and biased variance over the rows of each channel; y = (x - mean) inverse weight + bias + residual, inverse =
 * 1 / sqrt(variance + epsilon); running = (1 - momentum) running + momentum batch value, the variance unbiased (rows / (rows - 1), or
 * biased for one row). */
typedef struct {
  const float* x;          /* in [rows, channels] */
  const float* weight;     /* in [channels] */
  const float* bias;       /* in [channels] */
  const float* residual;   /* in [rows, channels] or null; may be y */
  float* y;                /* out [rows, channels] */
  float* mean;             /* out [channels] */
  float* inverse;          /* out [channels] */
  float* running_mean;     /* inout [channels] or null */
  float* running_variance; /* inout [channels] or null, with running_mean */
  void* workspace;         /* workspace */
  int64_t workspace_bytes;
  int64_t rows;
  int64_t channels;
  double epsilon;
  double momentum;
} jc_batch_norm_train_args;
int32_t jc_batch_norm_train(jc_context*, const jc_batch_norm_train_args*);
int64_t jc_batch_norm_train_workspace(const jc_context*, const jc_batch_norm_train_args*);

/* Gradient of jc_batch_norm_train through the batch's statistics (the residual's gradient is dy). */
typedef struct {
  const float* dy;      /* in [rows, channels] */
  const float* x;       /* in [rows, channels] */
  const float* mean;    /* in [channels] */
  const float* inverse; /* in [channels] */
  const float* weight;  /* in [channels] */
  float* dx;            /* out [rows, channels]; may be dy or x */
  float* d_weight;      /* inout [channels] or null */
  float* d_bias;        /* inout [channels] or null */
  void* workspace;      /* workspace */
  int64_t workspace_bytes;
  int64_t rows;
  int64_t channels;
} jc_batch_norm_train_gradient_args;
int32_t jc_batch_norm_train_gradient(jc_context*, const jc_batch_norm_train_gradient_args*);
int64_t jc_batch_norm_train_gradient_workspace(const jc_context*, const jc_batch_norm_train_gradient_args*);

/* Gradient of jc_batch_norm: the statistics are constants. */
typedef struct {
  const float* dy;       /* in [rows, channels] */
  const float* x;        /* in [rows, channels] */
  const float* mean;     /* in [channels] */
  const float* variance; /* in [channels] */
  const float* weight;   /* in [channels] */
  float* dx;             /* out [rows, channels]; may be dy or x */
  float* d_weight;       /* inout [channels] or null */
  float* d_bias;         /* inout [channels] or null */
  void* workspace;       /* workspace */
  int64_t workspace_bytes;
  int64_t rows;
  int64_t channels;
  double epsilon;
} jc_batch_norm_gradient_args;
int32_t jc_batch_norm_gradient(jc_context*, const jc_batch_norm_gradient_args*);
int64_t jc_batch_norm_gradient_workspace(const jc_context*, const jc_batch_norm_gradient_args*);

/* dx = dy spread evenly over each window; leftover rows and columns get 0. Sizes are those of the forward call. */
typedef struct {
  const float* dy; /* in [batch, height / kernel, width / kernel, channels] */
  float* dx;       /* out [batch, height, width, channels] */
  int64_t batch;
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t kernel;
} jc_avg_pool_gradient_args;
int32_t jc_avg_pool_gradient(jc_context*, const jc_avg_pool_gradient_args*);

/* dx[b, p] = dy[b, 1 + p] + dy[b, 0] / pixels */
typedef struct {
  const float* dy; /* in [batch, 1 + pixels, channels] */
  float* dx;       /* out [batch, pixels, channels] */
  int64_t batch;
  int64_t pixels;
  int64_t channels;
} jc_attention_pool_tokens_gradient_args;
int32_t jc_attention_pool_tokens_gradient(jc_context*, const jc_attention_pool_tokens_gradient_args*);

/* dx = the gradient of jc_layer_norm with respect to its input (x is the sum where there was a residual) + residual. */
typedef struct {
  const float* dy;       /* in [rows, width] */
  const float* x;        /* in [rows, width] */
  const float* weight;   /* in [width] */
  const float* residual; /* in [rows, width] or null; may be dx */
  float* dx;             /* out [rows, width]; may be dy */
  float* d_weight;       /* inout [width] or null */
  float* d_bias;         /* inout [width] or null */
  void* workspace;       /* workspace */
  int64_t workspace_bytes;
  const int64_t* live; /* in or null */
  int64_t rows;
  int64_t width;
  double epsilon;
} jc_layer_norm_gradient_args;
int32_t jc_layer_norm_gradient(jc_context*, const jc_layer_norm_gradient_args*);
int64_t jc_layer_norm_gradient_workspace(const jc_context*, const jc_layer_norm_gradient_args*);

/* Gradient of jc_attention, probabilities recomputed. Sequences do not overlap; rows of dq (dk, dv) that belong to no live sequence are
 * filled with zeros. */
typedef struct {
  const float* q;       /* in [rows, heads head_dim], row stride ldq */
  const float* k;       /* in [kv_rows, heads head_dim], row stride ldk */
  const float* v;       /* in [kv_rows, heads head_dim], row stride ldv */
  const float* dy;      /* in [rows, heads head_dim], row stride lddy */
  float* dq;            /* out [rows, heads head_dim], row stride lddq */
  float* dk;            /* out [kv_rows, heads head_dim], row stride lddk */
  float* dv;            /* out [kv_rows, heads head_dim], row stride lddv */
  const int32_t* table; /* in [sequences, 4] or null */
  void* workspace;      /* workspace */
  int64_t workspace_bytes;
  const int64_t* live; /* in or null: live sequences, at most `sequences` */
  int64_t sequences;
  int64_t q_tokens;  /* of a sequence; with a table: the largest q_count */
  int64_t kv_tokens; /* of a sequence; with a table: the largest kv_count */
  int64_t rows;
  int64_t kv_rows;
  int64_t heads;
  int64_t head_dim;
  int64_t ldq;
  int64_t ldk;
  int64_t ldv;
  int64_t lddy;
  int64_t lddq;
  int64_t lddk;
  int64_t lddv;
  int64_t causal;
  double scale;
} jc_attention_gradient_args;
int32_t jc_attention_gradient(jc_context*, const jc_attention_gradient_args*);
int64_t jc_attention_gradient_workspace(const jc_context*, const jc_attention_gradient_args*);

/* d_table[ids[t]] += dy[t];  d_positional[positions[t]] += dy[t], in ascending order of t for each row of a table. */
typedef struct {
  const int32_t* ids;       /* in [rows], each in [0, vocabulary) */
  const int32_t* positions; /* in [rows], each in [0, context) */
  const float* dy;          /* in [rows, width] */
  float* d_table;           /* inout [vocabulary, width] or null */
  float* d_positional;      /* inout [context, width] or null */
  void* workspace;          /* workspace */
  int64_t workspace_bytes;
  const int64_t* live; /* in or null */
  int64_t rows;
  int64_t width;
  int64_t vocabulary;
  int64_t context;
} jc_embedding_gradient_args;
int32_t jc_embedding_gradient(jc_context*, const jc_embedding_gradient_args*);
int64_t jc_embedding_gradient_workspace(const jc_context*, const jc_embedding_gradient_args*);

/* y = residual (or zeros);  y[index[i]] += x[i], or y[i step] where index is null. The gradient of jc_gather_rows. */
typedef struct {
  const float* x;        /* in [rows, width] */
  const int32_t* index;  /* in [rows], each in [0, y_rows), all different; or null */
  const float* residual; /* in [y_rows, width] or null; may be y */
  float* y;              /* out [y_rows, width] */
  const int64_t* live;   /* in or null: of x */
  int64_t rows;
  int64_t y_rows;
  int64_t width;
  int64_t step;
} jc_scatter_rows_args;
int32_t jc_scatter_rows(jc_context*, const jc_scatter_rows_args*);

/* dx = f'(x) dy */
typedef struct {
  const float* x;  /* in [count] */
  const float* dy; /* in [count] */
  float* dx;       /* out [count]; may be x or dy */
  int64_t count;
  int64_t activation;
} jc_activation_gradient_args;
int32_t jc_activation_gradient(jc_context*, const jc_activation_gradient_args*);

/* y += the sum of the rows of x, in one fixed order. */
typedef struct {
  const float* x;  /* in [rows, width], row stride ldx */
  float* y;        /* inout [width] */
  void* workspace; /* workspace */
  int64_t workspace_bytes;
  int64_t rows;
  int64_t width;
  int64_t ldx;
} jc_column_sums_args;
int32_t jc_column_sums(jc_context*, const jc_column_sums_args*);
int64_t jc_column_sums_workspace(const jc_context*, const jc_column_sums_args*);

/* y = a + b */
typedef struct {
  const float* a; /* in [count] */
  const float* b; /* in [count] */
  float* y;       /* out [count]; may be a or b */
  int64_t count;
} jc_add_args;
int32_t jc_add(jc_context*, const jc_add_args*);

/* y = value */
typedef struct {
  float* y; /* out [count] */
  int64_t count;
  double value;
} jc_fill_args;
int32_t jc_fill(jc_context*, const jc_fill_args*);

/* Gradient of jc_l2_normalize; for rows shorter than epsilon the divisor is a constant. */
typedef struct {
  const float* x;      /* in [rows, width] */
  const float* dy;     /* in [rows, width] */
  float* dx;           /* out [rows, width]; may be dy */
  const int64_t* live; /* in or null */
  int64_t rows;
  int64_t width;
  double epsilon;
} jc_l2_normalize_gradient_args;
int32_t jc_l2_normalize_gradient(jc_context*, const jc_l2_normalize_gradient_args*);

/* ---- Loss ------------------------------------------------------------------------------------------------------------------ */

/* z[i, j] = exp(log_scale) image[i] . text[j] (+ bias); no rows x rows matrix is made.
 * JC_SOFTMAX_LOSS: loss = (mean over i of CE(row i, i) + mean over j of CE(column j, j)) / 2.
 * JC_SIGMOID_LOSS: loss = sum over i, j of log(1 + exp(-y z)) / rows, y = +1 on the diagonal, -1 off it; statistics are zeros.
 * Row loss: log sum exp of row i less z[i, i]; column loss: of column i. */
typedef struct {
  const float* image;     /* in [rows, width] */
  const float* text;      /* in [rows, width] */
  const float* log_scale; /* in [1] */
  const float* bias;      /* in [1] or null (0) */
  float* loss;            /* out [1] */
  float* statistics;      /* out [5, rows]: z[i, i]; row and column loss; what rounding left out of these two */
  void* workspace;        /* workspace */
  int64_t workspace_bytes;
  int64_t rows;
  int64_t width;
  int64_t kind;
} jc_contrastive_loss_args;
int32_t jc_contrastive_loss(jc_context*, const jc_contrastive_loss_args*);
int64_t jc_contrastive_loss_workspace(const jc_context*, const jc_contrastive_loss_args*);

/* Gradients of upstream * loss; every z is computed once more. */
typedef struct {
  const float* image;      /* in [rows, width] */
  const float* text;       /* in [rows, width] */
  const float* log_scale;  /* in [1] */
  const float* bias;       /* in [1] or null (0) */
  const float* statistics; /* in [5, rows]: from jc_contrastive_loss */
  float* d_image;          /* out [rows, width] */
  float* d_text;           /* out [rows, width] */
  float* d_log_scale;      /* inout [1] or null */
  float* d_bias;           /* inout [1] or null */
  void* workspace;         /* workspace */
  int64_t workspace_bytes;
  int64_t rows;
  int64_t width;
  int64_t kind;
  double upstream;
} jc_contrastive_loss_gradient_args;
int32_t jc_contrastive_loss_gradient(jc_context*, const jc_contrastive_loss_gradient_args*);
int64_t jc_contrastive_loss_gradient_workspace(const jc_context*, const jc_contrastive_loss_gradient_args*);

/* ---- Optimiser ------------------------------------------------------------------------------------------------------------- */

/* norm[0] = sqrt of the sum of squares of g, summed in double in a fixed order; norm[1] = min(1, maximum / (norm + 1e-6)), or 1 where
 * maximum is 0. A norm that is not finite makes both so. */
typedef struct {
  const float* g;  /* in [count] */
  double* norm;    /* out [2] */
  void* workspace; /* workspace */
  int64_t workspace_bytes;
  int64_t count;
  double maximum;
} jc_gradient_norm_args;
int32_t jc_gradient_norm(jc_context*, const jc_gradient_norm_args*);
int64_t jc_gradient_norm_workspace(const jc_context*, const jc_gradient_norm_args*);

/* AdamW over many tensors that lie one after the other, segment s = elements [first[s], first[s + 1]):
 * p *= 1 - rate decay[s];  m = beta1 m + (1 - beta1) c g;  v = beta2 v + (1 - beta2) (c g)^2;
 * p -= rate / step[1] m / (sqrt(v) / sqrt(step[2]) + epsilon), with rate = step[0] scale[s] and c = norm[1] (1 without norm). */
typedef struct {
  float* p;             /* inout [first[segments]] */
  const float* g;       /* in, like p */
  float* m;             /* inout, like p */
  float* v;             /* inout, like p */
  const int64_t* first; /* in [segments + 1], ascending */
  const double* scale;  /* in [segments]: of the learning rate */
  const double* decay;  /* in [segments] */
  const double* step;   /* in [3]: learning rate, 1 - beta1^t, 1 - beta2^t */
  const double* norm;   /* in [2] or null: from jc_gradient_norm */
  int64_t segments;
  double beta1;
  double beta2;
  double epsilon;
} jc_adamw_args;
int32_t jc_adamw(jc_context*, const jc_adamw_args*);

/* average = decay average + (1 - decay) p */
typedef struct {
  float* average;      /* inout [count] */
  const float* p;      /* in [count] */
  const double* decay; /* in [1] */
  int64_t count;
} jc_moving_average_args;
int32_t jc_moving_average(jc_context*, const jc_moving_average_args*);

/* x = min(max(x, low), high) */
typedef struct {
  float* x; /* inout [count] */
  int64_t count;
  double low;
  double high;
} jc_clamp_args;
int32_t jc_clamp(jc_context*, const jc_clamp_args*);

/* ---- Pictures -------------------------------------------------------------------------------------------------------------- */

/* Pillow's resampling of 8-bit pixels in 22-bit fixed point: columns, rounded to bytes, then rows; only the output that is asked for.
 * Of an axis, output i = clip((2^21 + sum over j < size[i] of weights[i taps + j] in[first[i] + j]) >> 22, 0, 255); a copy is size 1 and
 * weight 2^22. Sums wrap at 32 bits. With tensor, the bytes' values are looked up and written channel by channel; one channel three times. */
typedef struct {
  const uint8_t* x;              /* in [x_rows, x_columns, channels], row stride x_row; readable for 16 bytes more */
  const int32_t* column_first;   /* in [columns] */
  const int32_t* column_size;    /* in [columns], each in [1, column_taps] */
  const int32_t* column_weights; /* in [columns, column_taps] */
  const int32_t* row_first;      /* in [rows] */
  const int32_t* row_size;       /* in [rows], each in [1, row_taps] */
  const int32_t* row_weights;    /* in [rows, row_taps] */
  const float* table;            /* in [3, 256] or null: value of each byte */
  uint8_t* y;                    /* out [rows, columns, channels] or null */
  float* tensor;   /* out [3, rows, columns] or null: row stride tensor_row, channel stride tensor_channel */
  void* workspace; /* workspace */
  int64_t workspace_bytes;
  int64_t x_rows;
  int64_t x_columns;
  int64_t x_row;
  int64_t rows;
  int64_t columns;
  int64_t channels; /* 1 to 4; 1 or 3 with tensor */
  int64_t column_taps;
  int64_t row_taps;
  int64_t tensor_row;
  int64_t tensor_channel;
} jc_resample_args;
int32_t jc_resample(jc_context*, const jc_resample_args*);
int64_t jc_resample_workspace(const jc_context*, const jc_resample_args*);

#ifdef __cplusplus
}
#endif

#endif
