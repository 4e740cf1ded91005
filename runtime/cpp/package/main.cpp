/* Classifies one window: values from a file or from the command line, separated by commas, as the model was trained on them. */
#include "edge-impulse-sdk/classifier/ei_run_classifier.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float features[EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE];

static int raw_feature_get_data(size_t offset, size_t length, float *out_ptr)
{
    memcpy(out_ptr, features + offset, length * sizeof(float));
    return 0;
}

/* How many values the text has; the first go to `features`. */
static size_t read_values(const char *text)
{
    size_t count = 0;
    for (;;) {
        char *end;
        const float value = strtof(text, &end);
        if (end == text) {
            return count;
        }
        if (count < sizeof features / sizeof features[0]) {
            features[count] = value;
        }
        count++;
        text = end + strspn(end, ", \t\r\n");
    }
}

int main(int argc, char **argv)
{
    ei_impulse_result_t result;
    signal_t signal;
    char *text;
    FILE *file;
    size_t room = 1u << 26, size, count;
    if (argc != 2) {
        printf("give a file with %d values, or the values, separated by commas\n", EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE);
        return 1;
    }
    file = fopen(argv[1], "rb");
    if (file == NULL) {
        count = read_values(argv[1]);
    } else {
        text = static_cast<char *>(malloc(room));
        size = text == NULL ? 0 : fread(text, 1, room - 1, file);
        fclose(file);
        if (text == NULL) {
            return 1;
        }
        text[size] = '\0';
        count = read_values(text);
        free(text);
    }
    if (count != sizeof features / sizeof features[0]) {
        printf("%lu values instead of %d\n", static_cast<unsigned long>(count), EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE);
        return 1;
    }
    signal.total_length = count;
    signal.get_data = &raw_feature_get_data;
    const EI_IMPULSE_ERROR status = run_classifier(&signal, &result, false);
    if (status != EI_IMPULSE_OK) {
        printf("run_classifier returned %d\n", static_cast<int>(status));
        return 1;
    }
    ei_print_results(&ei_default_impulse, &result);
    return 0;
}
