/** Version of these packages, for records; a test compares it with their package.json. */
export const toolVersion = "0.1.0";
